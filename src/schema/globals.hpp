// Pieces of SQL about what is not in a schema of the user's.
#pragma once

#include "schema/reader.hpp"

namespace mg::schema {

// Objects whose privileges are not those they came with from initdb or their extension, as pg_dump finds them: classid, objid,
// objsubid, acl, owner and schema (0 for what has none). Columns are looked at of some relations only: MG_REGRANTED("< 16384")
#define MG_REGRANTED(relations)                                                                                       \
	" (SELECT o.* FROM (SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid, c.relacl AS acl," \
	" c.relowner AS owner, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\" AS kind, c.relnamespace AS schema" \
	" FROM pg_class c WHERE c.relacl IS NOT NULL"                                                                     \
	" UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum, a.attacl, c.relowner, 'c', c.relnamespace"         \
	" FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped"    \
	" AND a.attrelid " relations                                                                                      \
	" UNION ALL SELECT 'pg_proc'::regclass, p.oid, 0, p.proacl, p.proowner, 'f', p.pronamespace"                      \
	" FROM pg_proc p WHERE p.proacl IS NOT NULL"                                                                      \
	" UNION ALL SELECT 'pg_type'::regclass, t.oid, 0, t.typacl, t.typowner, 'T', t.typnamespace"                      \
	" FROM pg_type t WHERE t.typacl IS NOT NULL"                                                                      \
	" UNION ALL SELECT 'pg_language'::regclass, l.oid, 0, l.lanacl, l.lanowner, 'l', 0"                               \
	" FROM pg_language l WHERE l.lanacl IS NOT NULL"                                                                  \
	" UNION ALL SELECT 'pg_namespace'::regclass, s.oid, 0, s.nspacl, s.nspowner, 'n', s.oid"                          \
	" FROM pg_namespace s WHERE s.nspacl IS NOT NULL"                                                                 \
	" UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, w.fdwacl, w.fdwowner, 'F', 0"                   \
	" FROM pg_foreign_data_wrapper w WHERE w.fdwacl IS NOT NULL"                                                      \
	" UNION ALL SELECT 'pg_foreign_server'::regclass, v.oid, 0, v.srvacl, v.srvowner, 'S', 0"                         \
	" FROM pg_foreign_server v WHERE v.srvacl IS NOT NULL) o"                                                         \
	" LEFT JOIN pg_init_privs i ON i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = o.objsubid "        \
	"WHERE" MG_ACL_DIFFERS("o.acl", "coalesce(i.initprivs, acldefault(o.kind, o.owner))") ") "

// Comment and security label of an object that all databases share. MG_SHARED_COMMENTS("pg_authid")
#define MG_SHARED_COMMENTS(catalog)                                             \
	"SELECT d.objoid, '', '', d.description AS comment FROM pg_shdescription d" \
	" WHERE d.classoid = '" catalog "'::regclass AND d.objoid = ANY ($1::oid[])"
#define MG_SHARED_LABELS(catalog)                                                                                    \
	"SELECT l.objoid, '', '', string_agg(l.provider || ': ' || l.label, ', ' ORDER BY l.provider COLLATE \"C\") AS " \
	"\"security label\""                                                                                             \
	" FROM pg_shseclabel l WHERE l.classoid = '" catalog "'::regclass AND l.objoid = ANY ($1::oid[])"                \
	" GROUP BY l.objoid"

} // namespace mg::schema
