// Finds objects and their dependents in the catalogs.
#include "lint/objects.hpp"

#include "lint/ask.hpp"
#include "lint/facts.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

struct AddressRaw
{
	Oid catalog;
	Oid oid;
};

AddressRaw
address_raw(ObjectType type, const Node *node)
{
	auto *name = const_cast<Node *>(node);

	switch (type)
	{
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			return {ProcedureRelationId, LookupFuncWithArgs(type, castNode(ObjectWithArgs, name), true)};
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		{
			TypeName *type_name =
				IsA(name, List) ? makeTypeNameFromNameList(castNode(List, name)) : reinterpret_cast<TypeName *>(name);
			Type found = LookupTypeName(nullptr, type_name, nullptr, true);
			Oid oid = InvalidOid;
			if (found != nullptr)
			{
				oid = typeTypeId(found);
				ReleaseSysCache(found);
			}
			return {TypeRelationId, oid};
		}
		case OBJECT_SCHEMA:
			return {NamespaceRelationId, get_namespace_oid(strVal(name), true)};
		case OBJECT_EXTENSION:
			return {ExtensionRelationId, get_extension_oid(strVal(name), true)};
		default:
			return {InvalidOid, InvalidOid};
	}
}

bool
is_name(const RangeVar *relation, const std::string &schema, const std::string &name)
{
	return relation != nullptr && name == relation->relname &&
		   (relation->schemaname == nullptr || schema == relation->schemaname);
}

} // namespace

std::string
path_setting(Model &model)
{
	std::vector<std::string> schemas = model.search_path();
	std::string result;

	/* In front it was not written but put there by the server. */
	if (!schemas.empty() && schemas[0] == "pg_catalog")
		schemas.erase(schemas.begin());
	for (const std::string &schema : schemas)
		result += (result.empty() ? "" : ", ") + quoted(schema);
	return result;
}

Object
object_of(ObjectType type, const Node *name, Model &model)
{
	if (name == nullptr)
		return {};
	const std::string path = path_setting(model);
	const AddressRaw address = ask(AddressRaw{InvalidOid, InvalidOid}, [&] {
		set_path_raw(path.c_str());
		return address_raw(type, name);
	});
	if (!OidIsValid(address.oid))
		return {};
	return {address.catalog, address.oid,
			fact("SELECT identity FROM pg_identify_object($1::oid, $2::oid, 0)",
				 {cell_of(address.catalog), cell_of(address.oid)})
				.value_or("")};
}

std::vector<Victim>
victims_of(Oid catalog, Oid oid)
{
	/* What depends on a victim is one, and what a victim is an internal part of, as with a view and its rule. An object is kept by those
	 * that depend on it in no other way than normally. */
	constexpr const char *sql =
		"WITH RECURSIVE gone (classid, objid, objsubid, normal) AS ("
		"  SELECT $1::oid, $2::oid, 0, false UNION "
		"  SELECT n.* FROM gone g, LATERAL ("
		"    SELECT d.classid, d.objid, d.objsubid, g.normal OR d.deptype = 'n' FROM pg_depend d "
		"    WHERE d.refclassid = g.classid AND d.refobjid = g.objid AND (g.objsubid = 0 OR d.refobjsubid = "
		"g.objsubid) "
		"    UNION ALL "
		"    SELECT d.refclassid, d.refobjid, d.refobjsubid, g.normal FROM pg_depend d "
		"    WHERE d.classid = g.classid AND d.objid = g.objid AND d.objsubid = g.objsubid AND d.deptype = 'i') n), "
		"victim AS (SELECT classid, objid, objsubid, bool_and(normal) AS normal FROM gone GROUP BY 1, 2, 3), "
		"placed AS (SELECT v.*, c.relkind, k.conname, coalesce(k.conrelid, t.tgrelid, p.polrelid, a.adrelid, "
		"r.ev_class, "
		"                  i.indrelid, c.oid) AS home, coalesce(y.typrelid <> 0 OR y.typelem <> 0 AND y.typlen = -1 "
		"AND "
		"                  y.typtype = 'b', false) OR coalesce(t.tgisinternal, false) AS is_part "
		"  FROM victim v "
		"  LEFT JOIN pg_class c ON v.classid = 'pg_class'::regclass AND c.oid = v.objid "
		"  LEFT JOIN pg_index i ON v.classid = 'pg_class'::regclass AND i.indexrelid = v.objid "
		"  LEFT JOIN pg_constraint k ON v.classid = 'pg_constraint'::regclass AND k.oid = v.objid AND k.conrelid <> 0 "
		"  LEFT JOIN pg_trigger t ON v.classid = 'pg_trigger'::regclass AND t.oid = v.objid "
		"  LEFT JOIN pg_policy p ON v.classid = 'pg_policy'::regclass AND p.oid = v.objid "
		"  LEFT JOIN pg_attrdef a ON v.classid = 'pg_attrdef'::regclass AND a.oid = v.objid "
		"  LEFT JOIN pg_rewrite r ON v.classid = 'pg_rewrite'::regclass AND r.oid = v.objid "
		"  LEFT JOIN pg_type y ON v.classid = 'pg_type'::regclass AND y.oid = v.objid) "
		"SELECT i.type, i.identity, coalesce(v.home, 0), v.objsubid, v.conname, v.normal "
		"FROM placed v, LATERAL pg_identify_object(v.classid, v.objid, v.objsubid) i "
		"WHERE NOT v.is_part AND (v.classid, v.objid) <> ($1::oid, $2::oid) AND i.identity IS NOT NULL "
		"  AND v.classid <> 'pg_rewrite'::regclass AND coalesce(v.relkind, 'r') NOT IN ('t', 'c') "
		"  AND NOT EXISTS (SELECT FROM victim g WHERE g.classid = 'pg_class'::regclass AND g.objid = v.home AND "
		"g.objsubid "
		"                  = 0 AND NOT (v.classid = 'pg_class'::regclass AND v.objid = g.objid AND v.objsubid = 0)) "
		"  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = v.classid AND e.objid = v.objid AND e.refclassid "
		"= "
		"                  $1::oid AND e.refobjid = $2::oid AND e.deptype = 'e') "
		"ORDER BY v.classid, 2";
	std::vector<Victim> result;

	if (!OidIsValid(oid))
		return result;
	for (const pg::Row &row : facts(sql, {cell_of(catalog), cell_of(oid)}))
	{
		Victim victim;
		victim.kind = row[0].value_or("");
		victim.title = row[1].value_or("");
		victim.relation = oid_of(row[2]);
		victim.column = static_cast<int>(number_of(row[3]));
		victim.name = row[4].value_or("");
		victim.keeps = row[5].value_or("") == "t";
		result.push_back(std::move(victim));
	}
	return result;
}

std::string
list_of(const std::vector<Victim> &victims)
{
	constexpr size_t most = 4;
	std::string result;

	for (size_t i = 0; i < std::min(most, victims.size()); i++)
		result += (i > 0 ? ", " : "") + victims[i].kind + " " + victims[i].title;
	if (victims.size() > most)
		result += " and " + std::to_string(victims.size() - most) + " more";
	return result;
}

std::string
named_by_routines(const std::string &word, const std::string &quotes)
{
	const std::vector<pg::Row> rows =
		facts("SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang "
			  "WHERE p.oid >= 16384 AND l.lanname IN ('plpgsql', 'sql') AND position($1 IN p.prosrc) > 0 "
			  "  AND p.prosrc ~ ('(^|[^[:alnum:]_])' || regexp_replace($1, '([^[:alnum:]_])', '\\\\\\1', 'g') || "
			  "                  '($|[^[:alnum:]_])') "
			  "  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND "
			  "                  d.deptype = 'e') ORDER BY 1 LIMIT 4",
			  {quotes + word + quotes});
	std::string result;

	for (const pg::Row &row : rows)
		result += (result.empty() ? "" : ", ") + row[0].value_or("");
	return result.empty() ? "" : "; the text of " + result + " says it too";
}

bool
is_made_later(const Context &context, const std::string &schema, const std::string &name)
{
	const std::vector<const Node *> &statements = context.statements();

	for (size_t i = static_cast<size_t>(context.statement_number()) + 1; i < statements.size(); i++)
	{
		const Node *statement = statements[i];
		const RangeVar *made = nullptr;
		switch (nodeTag(statement))
		{
			case T_ViewStmt:
				made = castNode(ViewStmt, statement)->view;
				break;
			case T_CreateStmt:
				made = castNode(CreateStmt, statement)->relation;
				break;
			case T_CreateTableAsStmt:
				made = castNode(CreateTableAsStmt, statement)->into->rel;
				break;
			case T_RenameStmt:
			{
				const auto *rename = castNode(RenameStmt, statement);
				if (rename->relation != nullptr && rename->subname == nullptr && name == rename->newname &&
					(rename->relation->schemaname == nullptr || schema == rename->relation->schemaname))
					return true;
				break;
			}
			case T_AlterObjectSchemaStmt:
			{
				const auto *move = castNode(AlterObjectSchemaStmt, statement);
				if (move->relation != nullptr && name == move->relation->relname && schema == move->newschema)
					return true;
				break;
			}
			default:
				break;
		}
		if (is_name(made, schema, name))
			return true;
	}
	return false;
}

std::string
row_count(const Table &table)
{
	char text[64];

	if (table.rows < 1)
		return "its rows";
	snprintf(text, sizeof text, "about %.0f rows", table.rows);
	return text;
}

const char *
keyword_of(const Table &table)
{
	switch (table.kind)
	{
		case RELKIND_VIEW:
			return "VIEW";
		case RELKIND_MATVIEW:
			return "MATERIALIZED VIEW";
		case RELKIND_FOREIGN_TABLE:
			return "FOREIGN TABLE";
		case RELKIND_SEQUENCE:
			return "SEQUENCE";
		default:
			return "TABLE";
	}
}

} // namespace mg::lint
