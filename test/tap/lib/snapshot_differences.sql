-- Prints what is different between two snapshots, one property a line: psql -v before=FILE -v after=FILE, both to be read by the server.
WITH snapshots (side, value) AS (
    VALUES ('before', pg_read_file(:'before')::jsonb), ('after', pg_read_file(:'after')::jsonb)
), objects (side, object, value) AS (
    SELECT side, t.key || ' ' || o.key, o.value
    FROM snapshots s, jsonb_each((s.value->'objects') || coalesce(s.value->'cluster', '{}')) t, jsonb_each(t.value) o
    UNION ALL SELECT side, 'about', value->'about' FROM snapshots
), members AS (
    SELECT side, object, m.key, m.value, CASE jsonb_typeof(m.value) WHEN 'object' THEN m.value ELSE '{}' END AS parts
    FROM objects, jsonb_each(objects.value) m
), facts (side, object, part, property, value) AS (
    SELECT side, object, '', '', 'there' FROM objects
    UNION ALL SELECT side, object, '', key, value #>> '{}' FROM members WHERE jsonb_typeof(value) <> 'object'
    UNION ALL SELECT side, object, members.key || ' ' || p.key, '', 'there' FROM members, jsonb_each(parts) p
    UNION ALL SELECT side, object, members.key || ' ' || p.key, q.key, q.value FROM members, jsonb_each(parts) p, jsonb_each_text(p.value) q
), pairs AS (
    SELECT object, part, property, b.value AS before, a.value AS after
    FROM (SELECT * FROM facts WHERE side = 'before') b FULL JOIN (SELECT * FROM facts WHERE side = 'after') a USING (object, part, property)
)
-- Of what is missing as a whole that is told, and not its parts.
SELECT concat_ws(', ', object, nullif(part, ''), nullif(property, '')) || ': ' || coalesce(before, 'none') || ' -> ' || coalesce(after, 'none')
FROM pairs p
WHERE before IS DISTINCT FROM after
    AND (part = '' AND property = '' OR EXISTS (SELECT FROM pairs w WHERE (w.object, w.part, w.property) = (p.object, '', '') AND w.before = w.after))
    AND (property = '' OR part = '' OR EXISTS (SELECT FROM pairs w WHERE (w.object, w.part, w.property) = (p.object, p.part, '') AND w.before = w.after))
ORDER BY object COLLATE "C", part COLLATE "C", property COLLATE "C";
