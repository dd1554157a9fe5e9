-- What a caught error looks like, and the trials of src/pg/.
\pset format unaligned
\pset tuples_only on

SELECT tap(boundary_cross(depth) = boundary_cross(0), format('an error that has crossed C++ %s times is the same', depth),
           'got', boundary_cross(depth), 'expected', boundary_cross(0))
FROM unnest('{1,2,3,10,100}'::integer[]) AS depth;
SELECT tap(boundary_cross(1)::text[] @> ARRAY['BD001', 'a server error, 100% %s', 'Its detail, 100% %s.', 'Its detail in the log.',
               'Its hint, 100% %s.', E'its context, 100% %s\nthe caller''s context', '8', '3', 'SELECT within', 'its schema',
               'its table', 'its column', 'its type', 'its constraint', 'state restored'],
           'an error keeps every field through C++', boundary_cross(1));

SELECT tap(boundary_run(scenario) = '', scenario, boundary_run(scenario)) FROM boundary_scenarios() AS scenario;

SELECT tap((c.state, c.message, c.goes_on) = (k.sqlstate, k.message, true)
           AND c.detail = CASE WHEN kind IN ('server_error', 'rethrown', 'user_error') THEN 'Its detail, 100% %s.'
                               WHEN kind = 'out_of_memory' THEN c.detail ELSE '' END
           AND c.hint = CASE WHEN kind IN ('server_error', 'rethrown', 'user_error') THEN 'Its hint, 100% %s.' ELSE '' END
           AND (kind NOT IN ('server_error', 'rethrown', 'user_error') OR c.context LIKE 'its context, 100\% \%s%')
           AND c.context LIKE '%PL/pgSQL function caught(text,text)%',
           format('%s in %s is caught as what it is', kind, entry), 'got', c::text, 'expected', k::text)
FROM entries, kinds k, LATERAL caught(entry, kind) c WHERE catchable ORDER BY entry, kind;

SELECT tap(length(c.message) = 10000000 AND c.detail = repeat('d', 10000000) AND c.state = 'BD003',
           'an error of twenty million characters is caught whole', left(c.message, 100))
FROM caught('function', 'long_error') c;

BEGIN;
SELECT tap(c.state IS NULL AND c.message IS NULL, format('%s fails only where it is asked to', entry), c::text)
FROM entries, caught(entry, '') c WHERE catchable AND entry NOT IN ('function', 'nested', 'access', 'sql_drop', 'table_rewrite');
ROLLBACK;

SELECT tap(witnesses = 0 AND errors = 0, 'no object and no memory of an error is left', usage::text) FROM boundary_usage() usage;
