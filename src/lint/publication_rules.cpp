// Group I, logical replication.
#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

// The publications that have a table, itself or as a partition or by its schema: name, whether it publishes updates or deletes, whether
// it names the columns.
struct Publication
{
	std::string name;
	bool needs_identity;
	bool has_columns;
};

std::vector<Publication>
publications_of(Table &table)
{
	constexpr const char *sql =
		"SELECT p.pubname, bool_or(p.pubupdate OR p.pubdelete), bool_and(r.prattrs IS NOT NULL) "
		"FROM (SELECT $1::oid AS relid UNION SELECT relid FROM pg_partition_ancestors($1::oid)) t "
		"JOIN pg_class c ON c.oid = t.relid "
		"JOIN pg_publication p ON true "
		"LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = t.relid "
		"LEFT JOIN pg_publication_namespace n ON n.pnpubid = p.oid AND n.pnnspid = c.relnamespace "
		"WHERE (p.puballtables OR r.oid IS NOT NULL OR n.oid IS NOT NULL) AND c.relpersistence = 'p' "
		"GROUP BY p.pubname ORDER BY p.pubname";
	std::vector<Publication> result;

	/* Most are in none, which is asked once. */
	if (!OidIsValid(table.oid) || table.is_unpublished || !fact("SELECT true FROM pg_publication LIMIT 1").has_value())
		return result;
	for (const pg::Row &row : facts(sql, {cell_of(table.oid)}))
		result.push_back({row[0].value_or(""), row[1].value_or("") == "t", row[2].value_or("") == "t"});
	table.is_unpublished = result.empty();
	return result;
}

std::string
names_of(const std::vector<Publication> &publications)
{
	std::vector<std::string> names;

	for (const Publication &publication : publications)
		names.push_back(publication.name);
	return (names.size() == 1 ? "publication " : "publications ") + quoted_list(names);
}

// Those whose UPDATE and DELETE need to tell one row from another.
std::vector<Publication>
identity_wanted_by(Table &table)
{
	std::vector<Publication> result = publications_of(table);

	result.erase(
		std::remove_if(result.begin(), result.end(), [](const Publication &one) { return !one.needs_identity; }),
		result.end());
	return result;
}

// d: the primary key, n: nothing, f: the whole row, i: an index.
std::string
identity_of(const Table &table)
{
	return fact("SELECT relreplident FROM pg_class WHERE oid = $1::oid", {cell_of(table.oid)}).value_or("d");
}

char
identity_wanted(const Node *part)
{
	const auto *command = reinterpret_cast<const AlterTableCmd *>(part);
	return castNode(ReplicaIdentityStmt, command->def)->identity_type;
}

void
replica_identity_nothing(const Action &action, Context &context)
{
	if (identity_wanted(action.part) != REPLICA_IDENTITY_NOTHING || identity_of(*action.table) == "n")
		return;
	std::vector<Publication> publications = identity_wanted_by(*action.table);
	if (publications.empty())
		return;
	context.report({"every UPDATE and DELETE of " + sized(*action.table) + " fails from here on, since it is in " +
						names_of(publications),
					"Take the table out of the publication first, or leave its replica identity as it is.",
					{},
					AccessExclusiveLock});
}

void
replica_identity_full(const Action &action, Context &context)
{
	if (identity_wanted(action.part) != REPLICA_IDENTITY_FULL || identity_of(*action.table) == "f")
		return;
	Report report;
	report.message = "each UPDATE and DELETE of " + sized(*action.table) +
					 " writes the whole old row to the log, and a subscriber may read the whole table to find it";
	for (const Index &index : action.table->indexes)
		if (index.is_unique && index.is_valid && !index.is_partial && !index.has_expressions && index.keys > 0 &&
			std::all_of(index.columns.begin(), index.columns.begin() + index.keys, [&](const std::string &name) {
				const Column *column = action.table->column(name);
				return column != nullptr && column->not_null;
			}))
		{
			report.hint = "A unique index is enough to tell rows apart: ALTER TABLE " + action.table->title() +
						  " REPLICA IDENTITY USING INDEX " + quoted(index.name) + ";";
			break;
		}
	if (report.hint.empty())
		report.hint = "A primary key is enough to tell rows apart.";
	report.lock = AccessExclusiveLock;
	context.report(std::move(report));
}

// Whether an action of the script took away what told the rows of a published table apart.
bool
drops_identity(const Done &done, const std::string &identity)
{
	if (done.what == What::drop_constraint)
		return identity == "d" && fact("SELECT conname FROM pg_constraint WHERE conrelid = $1::oid AND contype = 'p'",
									   {cell_of(done.table->oid)}) == pg::Cell(done.name);
	if (done.what == What::drop_column)
		return fact(
				   "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY "
				   "(i.indkey) WHERE i.indrelid = $1::oid AND a.attname = $2 AND CASE WHEN $3 = 'd' THEN "
				   "i.indisprimary ELSE i.indisreplident AND $3 = 'i' END",
				   {cell_of(done.table->oid), done.name, identity})
			.has_value();
	return identity == "i" && fact("SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE "
								   "i.indrelid = $1::oid AND "
								   "i.indisreplident AND c.relname = $2",
								   {cell_of(done.table->oid), done.name})
								  .has_value();
}

void
replica_identity_lost(const Action &, Context &context)
{
	for (const Done &done : context.done())
	{
		if (done.what != What::drop_constraint && done.what != What::drop_index && done.what != What::drop_column)
			continue;
		if (done.table == nullptr || !context.is_occupied(*done.table) || done.table->has_primary_key())
			continue;
		std::vector<Publication> publications = identity_wanted_by(*done.table);
		if (publications.empty() || !drops_identity(done, identity_of(*done.table)))
			continue;
		const std::vector<Done> &all = context.done();
		if (std::any_of(all.begin(), all.end(),
						[&](const Done &one) { return one.what == What::replica_identity && one.table == done.table; }))
			continue;
		Report report;
		report.message = "every UPDATE and DELETE of " + sized(*done.table) +
						 " fails from here on, since nothing tells its rows apart any more and it is in " +
						 names_of(publications);
		report.hint =
			"Let the table have another replica identity first: a primary key, or a unique index over columns "
			"that are NOT NULL, by ALTER TABLE ... REPLICA IDENTITY USING INDEX.";
		report.table = done.table;
		report.location = done.location;
		context.report(std::move(report));
	}
}

// The tables that a statement puts into a publication, and whether that publishes updates or deletes.
std::vector<Table *>
published_by(const Node *statement, Model &model)
{
	std::vector<Table *> result;
	const List *objects = NIL;
	ListCell *cell;

	if (IsA(statement, CreatePublicationStmt))
	{
		const DefElem *publish = option_of(castNode(CreatePublicationStmt, statement)->options, "publish");
		const std::string kinds = publish != nullptr && publish->arg != nullptr && IsA(publish->arg, String)
									  ? strVal(publish->arg)
									  : "update";
		if (kinds.find("update") == std::string::npos && kinds.find("delete") == std::string::npos)
			return result;
		objects = castNode(CreatePublicationStmt, statement)->pubobjects;
	}
	else if (IsA(statement, AlterPublicationStmt))
	{
		const auto *alter = castNode(AlterPublicationStmt, statement);
		if (alter->action == AP_DropObjects ||
			fact("SELECT 1 FROM pg_publication WHERE pubname = $1 AND NOT pubupdate AND NOT pubdelete",
				 {alter->pubname})
				.has_value())
			return result;
		objects = alter->pubobjects;
	}
	foreach (cell, objects)
		if (const auto *object = static_cast<const PublicationObjSpec *>(lfirst(cell)); object->pubtable != nullptr)
			if (Table *table = model.find(object->pubtable->relation))
				result.push_back(table);
	return result;
}

void
published_without_key(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreatePublicationStmt) && !IsA(action.statement, AlterPublicationStmt))
		return;
	for (Table *table : published_by(action.statement, context.model()))
	{
		if (table->has_primary_key() || !context.is_existing(*table) || identity_of(*table) == "f" ||
			identity_of(*table) == "i" || !identity_wanted_by(*table).empty())
			continue;
		Report report;
		report.message = "every UPDATE and DELETE of " + sized(*table) +
						 " fails from here on: it is published, and has no primary key that tells its rows apart";
		report.hint =
			"Give it a primary key or a replica identity first, or publish only what is inserted: WITH (publish "
			"= 'insert').";
		report.table = table;
		report.lock = ShareUpdateExclusiveLock;
		context.report(std::move(report));
	}
}

std::string
change_of(const Action &action)
{
	switch (action.what)
	{
		case What::add_column:
			return "rows that have the new column " + quoted(action.name) + " stop a subscriber that does not have it";
		case What::drop_column:
			return "a subscriber keeps column " + quoted(action.name) + ", and fails if it needs a value";
		case What::rename_column:
			return "a subscriber that has no column of the new name stops";
		case What::change_type:
			return "a subscriber keeps the old type of column " + quoted(action.name) +
				   ", and stops at values that it cannot hold";
		case What::set_schema:
		case What::rename_table:
			return "a subscriber that has no table of the new name stops";
		default:
			return "a subscriber keeps its rows";
	}
}

void
published_table_changed(const Action &action, Context &context)
{
	if (action.what == What::add_column && action.column->generated != '\0')
		return;
	std::vector<Publication> publications = publications_of(*action.table);
	if (action.what == What::add_column)
		publications.erase(std::remove_if(publications.begin(), publications.end(),
										  [](const Publication &one) { return one.has_columns; }),
						   publications.end());
	if (publications.empty())
		return;
	Report report;
	report.message = action.table->title() + " is in " + names_of(publications) +
					 ", which carries rows and no changes of the schema: " + change_of(action);
	report.hint = action.what == What::drop_column || action.what == What::drop_table
					  ? "Change this side first, and the subscribers afterwards."
					  : "Change the subscribers first, and this side afterwards.";
	context.report(std::move(report));
}

} // namespace

std::vector<Rule>
publication_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"replica-identity-nothing",
		 "I",
		 S::error,
		 About::occupied,
		 {W::replica_identity},
		 replica_identity_nothing,
		 "a published table is given no replica identity",
		 "Every UPDATE and DELETE of it fails.",
		 "Take it out of the publication first."},
		{"replica-identity-lost",
		 "I",
		 S::error,
		 About::anything,
		 {W::script_end},
		 replica_identity_lost,
		 "a published table loses the key that tells its rows apart",
		 "Every UPDATE and DELETE of it fails.",
		 "Give it another replica identity first."},
		{"replica-identity-full",
		 "I",
		 S::info,
		 About::existing,
		 {W::replica_identity},
		 replica_identity_full,
		 "the whole row is the replica identity",
		 "Each UPDATE and DELETE logs the old row as a whole, and subscribers may read the table from end to end for "
		 "each "
		 "of them.",
		 "Use a primary key, or a unique index over columns that are NOT NULL."},
		{"published-without-key",
		 "I",
		 S::warning,
		 About::anything,
		 {W::other},
		 published_without_key,
		 "a table without a primary key or replica identity is published",
		 "Every UPDATE and DELETE of it fails from then on.",
		 "Give it a primary key first, or publish only what is inserted."},
		{"published-table-changed",
		 "I",
		 S::info,
		 About::existing,
		 {W::add_column, W::drop_column, W::rename_column, W::change_type, W::rename_table, W::set_schema,
		  W::drop_table},
		 published_table_changed,
		 "a published table is changed",
		 "Logical replication does not carry changes of the schema: a subscriber that differs stops.",
		 "Add on the subscribers first, and drop on this side first."},
	};
}

} // namespace mg::lint
