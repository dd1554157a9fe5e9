// How families of objects are read: one file a family, most of it SQL that reads like the object's page in the manual.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/picture.hpp"
#include "pg/query.hpp"
#include "schema/schema.hpp"

namespace mg::schema {

// The server writes names and constants as the session likes them, a partition's bounds by its time zone for one; until this goes
// out of scope it writes them in one way only.
class PlainSettings
{
public:
	PlainSettings();

private:
	pg::SqlScope sql_;
	pg::SettingsScope scope_;
};

// The pictures of a batch of units of one catalog, while they are read.
class Album
{
public:
	explicit Album(const std::vector<Unit> &units, size_t first, size_t count);

	// The units' OIDs as an array literal, for $1 of a reader's query.
	const std::string &oids() const { return oids_; }
	// The picture of a unit; nullptr for one that is not in the batch.
	Picture *find(Oid oid);
	// What there is in the batch, of enum Need: readers that look for something else are left out.
	unsigned has = 0;

private:
	std::string oids_;
	std::unordered_map<Oid, Picture> pictures_;
};

// What a reader's query looks for, if most batches have nothing of the kind: running a query takes longer than to see that.
// Security labels are looked for by read(), the others by the family's own `read`.
enum Need : unsigned
{
	need_labels = 1,
	need_relation_rarities = 2, // of relations: privileges, options, a partition's bound, ...
	need_sequences = 4,
	need_foreign_tables = 8,
	need_parents = 16,
	need_triggers = 32,
	need_rules = 64,
	need_policies = 128,
	need_row_security = 256,
	need_constraint_triggers = 512 // that are not as the server makes them
};

// A query for some facts about a batch of units ($1::oid[]). Its columns: the unit's OID, the section ('' for the unit itself),
// the key within the section, and then one column a property, named by it; NULL means the usual value, which is left out.
// All texts, made by the server's own functions. It runs as a superuser with search_path pg_catalog.
struct Reader
{
	const char *sql;
	int since = 0; // the first and the last major that it is for
	int until = 999;
	unsigned needs = 0; // of enum Need
};

// A reader for batches that have something of the kind.
constexpr Reader
when(unsigned needs, const char *sql)
{
	return {sql, 0, 999, needs};
}

// Adds what a query gives to the pictures, for a family's own `read`.
void read_by_sql(const Reader &reader, Album &album);

// Tells whether a catalog has had rows since it was last emptied.
bool has_rows(Oid catalog);

// A family: the units of one catalog. `list` gives oid, type and identity of every unit in scope; it ends within a WHERE clause,
// so that conditions can follow, and calls the catalog's row `x`. $1::text[] are the ignored schemas.
struct Family
{
	Oid catalog;
	const char *list;
	std::vector<Reader> readers;
	void (*read)(Album &album) = nullptr; // what is read without SQL
	bool cluster = false;                 // of roles, which all databases share
	/* What `list` gives for some objects, looked up one by one, for a family of which each migration has a few. */
	std::vector<Unit> (*find)(const Scope &scope, const std::vector<Oid> &oids) = nullptr;
	std::string list_some = std::string(list) + " AND x.oid = ANY ($2::oid[])";
};

// All families, in no order that matters. Each file of this room adds its own.
const std::vector<Family> &families();
void add_relations(std::vector<Family> &all);
std::vector<Unit> find_relations(const Scope &scope, const std::vector<Oid> &oids);
void add_routines(std::vector<Family> &all);
void add_types(std::vector<Family> &all);
void add_operators(std::vector<Family> &all);
void add_text_search(std::vector<Family> &all);
void add_languages(std::vector<Family> &all);  // languages, transforms, access methods, casts, conversions, collations
void add_namespaces(std::vector<Family> &all); // schemas, default privileges, extensions, event triggers
void add_foreign(std::vector<Family> &all);
void add_replication(std::vector<Family> &all); // publications, subscriptions
void add_statistics(std::vector<Family> &all);
void add_database(
	std::vector<Family> &all); // this database and its settings, privileges on system objects, large objects
void add_roles(std::vector<Family> &all);

// Pieces of SQL that families share.

// Is not an object of an extension: MG_NOT_MEMBER("pg_proc")
#define MG_NOT_MEMBER(catalog)                                                                           \
	" NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '" catalog "'::regclass AND e.objid = x.oid" \
	" AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')"

// Is neither the system's nor in an ignored schema, `n` being the object's schema.
#define MG_IN_SCOPE                                                                                         \
	" x.oid >= 16384 AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)' AND n.nspname NOT IN ('pg_catalog', " \
	"'information_schema')"                                                                                 \
	" AND n.nspname <> ALL ($1::text[])"

// Schema-qualified and quoted name.
#define MG_NAME(name) "format('%I.%I', n.nspname, " name ")"

// Privileges as text: "PUBLIC=EXECUTE, reader=SELECT*/UPDATE by boss"; a star is WITH GRANT OPTION. Never NULL.
#define MG_PRIVILEGES(acl, owner)                                                                                      \
	" coalesce((SELECT string_agg(g.line, ', ' ORDER BY g.line COLLATE \"C\") FROM (SELECT"                            \
	" CASE WHEN p.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(p.grantee) END || '=' ||"                             \
	" string_agg(p.privilege_type || CASE WHEN p.is_grantable THEN '*' ELSE '' END, '/' ORDER BY p.privilege_type) ||" \
	" CASE WHEN p.grantor <> " owner " THEN ' by ' || pg_get_userbyid(p.grantor) ELSE '' END AS line"                  \
	" FROM aclexplode(" acl ") p GROUP BY p.grantee, p.grantor) g), 'none') "

// Tells whether two lists of privileges are different, in whatever order they are.
#define MG_ACL_DIFFERS(acl, other)                                                                        \
	" (" acl " IS DISTINCT FROM (" other ") AND"                                                          \
	" (SELECT array_agg(a::text ORDER BY a::text COLLATE \"C\") FROM unnest(" acl ") a) IS DISTINCT FROM" \
	" (SELECT array_agg(a::text ORDER BY a::text COLLATE \"C\") FROM unnest(" other ") a)) "

// Privileges that differ from the owner's usual ones; NULL when they are the usual ones.
// MG_ACL("x.proacl", "'f'", "x.proowner")
#define MG_ACL(acl, kind, owner) \
	" CASE WHEN " acl            \
	" IS NOT NULL AND" MG_ACL_DIFFERS(acl, "acldefault(" kind ", " owner ")") "THEN" MG_PRIVILEGES(acl, owner) "END "

// The value in a line "name=value" of settings. Lists are stored with the quotes that the session liked
// (quote_all_identifiers), which pg_dump does not tell: none around what needs none.
#define MG_SETTING(line)                                                                                          \
	" CASE WHEN split_part(" line ", '=', 1) IN ('search_path', 'temp_tablespaces', 'session_preload_libraries'," \
	" 'shared_preload_libraries', 'local_preload_libraries', 'unix_socket_directories')"                          \
	" THEN regexp_replace(substr(" line ", strpos(" line                                                          \
	", '=') + 1), '(^|, )\"([a-z_][a-z0-9_$]*)\"(?=, |$)', '\\1\\2', 'g')"                                        \
	" ELSE substr(" line ", strpos(" line ", '=') + 1) END "

// Comments and security labels of a family's units, from its catalog: two readers. {MG_COMMENTS("pg_proc")}, MG_LABELS("pg_proc")
#define MG_COMMENTS(catalog)                                                  \
	"SELECT d.objoid, '', '', d.description AS comment FROM pg_description d" \
	" WHERE d.classoid = '" catalog "'::regclass AND d.objsubid = 0 AND d.objoid = ANY ($1::oid[])"
#define MG_LABELS(catalog)                                                                                       \
	when(need_labels,                                                                                            \
		 "SELECT l.objoid, '', '', string_agg(l.provider || ': ' || l.label, ', ' ORDER BY l.provider COLLATE "  \
		 "\"C\") AS \"security label\""                                                                          \
		 " FROM pg_seclabel l WHERE l.classoid = '" catalog "'::regclass AND l.objsubid = 0 AND l.objoid = ANY " \
		 "($1::oid[]) GROUP BY l.objoid")

} // namespace mg::schema
