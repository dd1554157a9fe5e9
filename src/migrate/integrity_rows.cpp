// Checks rows: foreign keys without a counterpart, and sequences behind their column.
#include <utility>

#include "migrate/integrity.hpp"
#include "pg/subtransaction.hpp"
#include "pg/text.hpp"
#include "schema/reader.hpp"

namespace mg::migrate::integrity {

namespace {

constexpr const char *no_dangling = "each row has its counterpart";
constexpr const char *not_behind = "next value is a new one";

// How a table is read: whole, or a sample of it.
struct Extent
{
	double rows = 0; // an estimate
	bool foreign = false;

	bool is_large() const { return rows > static_cast<double>(most_rows); }
	// Goes behind the table's alias.
	std::string clause() const
	{
		char percent[32];
		snprintf(percent, sizeof(percent), "%.6f", 100.0 * static_cast<double>(sample_rows) / rows);
		return std::string(" TABLESAMPLE SYSTEM (") + percent + ")";
	}
};

#define MG_EXTENT                                                                                    \
	"SELECT coalesce(sum(CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples / c.relpages" \
	" ELSE 100 END * (pg_relation_size(c.oid) / current_setting('block_size')::integer)), 0),"       \
	" bool_or(c.relkind = 'f') FROM pg_class c WHERE c.oid"

// Estimates as the planner does: rows by page when last analyzed, times the pages of now. A partitioned table is its partitions.
Extent
extent_of(const std::string &table, bool partitioned)
{
	pg::Row row = ask(partitioned ? MG_EXTENT " IN (SELECT t.relid FROM pg_partition_tree($1::oid::regclass) t)"
								  : MG_EXTENT " = $1::oid",
					  {table})
					  .at(0);
	Extent extent;

	extent.rows = std::stod(row[0].value_or("0"));
	extent.foreign = row[1] == "t";
	return extent;
}

// The tables of which a check has read a sample only.
class Sampled
{
public:
	void add(const std::string &name)
	{
		if (count_++ < most_names)
			names_ += (names_.empty() ? "" : ", ") + name;
	}
	std::string remark() const
	{
		if (count_ == 0)
			return "";
		return "of " + std::to_string(sample_rows) + " rows or so: " + names_ +
			   (count_ > most_names ? " and " + std::to_string(count_ - most_names) + " more" : "");
	}

private:
	static constexpr size_t most_names = 5;
	size_t count_ = 0;
	std::string names_;
};

// A cast to the type that an operator takes, for an operand that is of another one.
#define MG_CAST(actual, wanted)                                                                                     \
	"CASE WHEN " actual " = " wanted " THEN '' ELSE (SELECT format('::%I.%I', m.nspname, y.typname) FROM pg_type y" \
	" JOIN pg_namespace m ON m.oid = y.typnamespace WHERE y.oid = " wanted ") END"

// The name of a table in a query: children by inheritance have foreign keys and sequences of their own, partitions do not.
#define MG_SOURCE(class, schema)                                                                                       \
	"CASE " class ".relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || format('%I.%I', " schema ".nspname, " class ".relnam" \
																											 "e)"

bool
is_partitioned(const std::string &source)
{
	return source.compare(0, 5, "ONLY ") != 0;
}

// A foreign key by the pieces of a query for its dangling rows; texts in SQL.
struct ForeignKey
{
	std::string title;
	std::string oid; // of the table
	std::string table;
	std::string referenced;
	std::string present; // which rows of "fk" need a counterpart
	std::string equal;   // whether "pk" is the counterpart
	std::string columns;
	std::string key; // as text
};

// Casts and collations are those of the server's own check (RI_Initial_Check). A period (18) must be covered by all its
// counterparts together.
constexpr const char *foreign_keys_sql =
	"WITH k AS (SELECT k.oid, k.conrelid, k.confrelid, k.conkey, k.confkey, k.conpfeqop,"
	" CASE k.confmatchtype WHEN 'f' THEN ' OR ' ELSE ' AND ' END AS junction,"
	" to_jsonb(k)->>'conperiod' IS NOT DISTINCT FROM 'true' AS period, " MG_SOURCE(
		"x",
		"n") " AS source"
			 " FROM pg_constraint k JOIN pg_class x ON x.oid = k.conrelid" MG_OF_TABLE
			 " AND k.contype = 'f' AND k.conparentid = 0 AND to_jsonb(k)->>'conenforced' IS DISTINCT FROM 'false'"
			 " AND ($2::text[] IS NULL OR " MG_WANTED("pg_class", "x.oid") " OR " MG_WANTED(
				 "pg_constraint",
				 "k.oid") ")),"
						  " u AS (SELECT k.oid, u.place, quote_ident(f.attname) AS fk, quote_ident(p.attname) AS pk,"
						  " format('pk.%I', p.attname) || " MG_CAST(
							  "p.atttypid",
							  "o.oprleft") " || format(' OPERATOR(%I.%s) fk.%I', s.nspname, o.oprname, f.attname) "
										   "|| " MG_CAST("f.atttypid",
														 "o.oprright") " || CASE WHEN p.attcollation IN (0, "
																	   "f.attcollation) THEN ''"
																	   " ELSE (SELECT format(' COLLATE %I.%I', "
																	   "m.nspname, c.collname) FROM pg_collation c"
																	   " JOIN pg_namespace m ON m.oid = "
																	   "c.collnamespace WHERE c.oid = p.attcollation) "
																	   "END AS equal"
																	   " FROM k, unnest(k.conkey, k.confkey, "
																	   "k.conpfeqop) WITH ORDINALITY AS u (fk, pk, "
																	   "operator, place)"
																	   " JOIN pg_operator o ON o.oid = u.operator JOIN "
																	   "pg_namespace s ON s.oid = o.oprnamespace, "
																	   "pg_attribute f, pg_attribute p"
																	   " WHERE f.attrelid = k.conrelid AND f.attnum = "
																	   "u.fk AND p.attrelid = k.confrelid AND p.attnum "
																	   "= u.pk)"
																	   " SELECT " MG_TITLE(
																		   "pg_constraint",
																		   "k.oid") ", k.conrelid, k.source,"
																					" (SELECT " MG_SOURCE(
																						"r",
																						"m") " FROM pg_class r JOIN "
																							 "pg_namespace m ON m.oid "
																							 "= r.relnamespace WHERE "
																							 "r.oid = k.confrelid),"
																							 " string_agg('fk.' || "
																							 "u.fk || ' IS NOT NULL', "
																							 "k.junction ORDER BY "
																							 "u.place),"
																							 " string_agg(u.equal, ' "
																							 "AND ' ORDER BY u.place) "
																							 "|| CASE WHEN k.period "
																							 "THEN format("
																							 "' HAVING fk.%s "
																							 "OPERATOR(pg_catalog.<@) "
																							 "pg_catalog.range_agg(pk.%"
																							 "s)', (array_agg(u.fk "
																							 "ORDER BY u.place "
																							 "DESC))[1],"
																							 " (array_agg(u.pk ORDER "
																							 "BY u.place DESC))[1]) "
																							 "ELSE '' END,"
																							 " string_agg(u.fk, ', ' "
																							 "ORDER BY u.place),"
																							 " string_agg(format('CASE "
																							 "WHEN fk.%1$s IS NULL "
																							 "THEN ''NULL'' ELSE "
																							 "concat(fk.%1$s) END', "
																							 "u.fk), ', ' ORDER BY "
																							 "u.place)"
																							 " FROM k JOIN u USING "
																							 "(oid) GROUP BY k.oid, "
																							 "k.conrelid, k.confrelid, "
																							 "k.source, k.junction, "
																							 "k.period ORDER BY 1";

// Counts the rows of a foreign key that dangle and shows one. A column's text comes from its type's output function: a cast
// could be anybody's function.
void
check_foreign_key(const ForeignKey &key, Report &report, Sampled &sampled)
{
	pg::SettingsScope settings;
	Extent extent = extent_of(key.oid, is_partitioned(key.table));

	/* Few rows of many are looked up one by one in the unique index that every foreign key refers to. */
	if (extent.is_large())
		for (const char *way : {"enable_hashjoin", "enable_mergejoin", "enable_seqscan"})
			pin(way, "off");
	std::vector<pg::Row> found =
		ask_built("SELECT count(*) OVER (), concat_ws(', ', " + key.key + ") FROM " + key.table + " AS fk" +
				  (extent.is_large() ? extent.clause() : "") + " WHERE (" + key.present +
				  ") AND NOT EXISTS (SELECT FROM " + key.referenced + " AS pk WHERE " + key.equal + ") LIMIT 1");
	if (extent.is_large())
		sampled.add(key.title);
	if (found.empty())
		return;
	report.bad(key.title, no_dangling,
			   counted(std::stoul(found[0][0].value_or("0")), "row", "rows") + " without" +
				   (extent.is_large() ? ", in a sample" : "") + ": (" + key.columns + ") = (" +
				   pg::excerpt(found[0][1].value_or(""), 100) + ")");
}

// A column and the sequence that its values come from.
struct Numbered
{
	std::string title;
	std::string sequence;
	std::string oid; // of the table
	std::string source;
	std::string column;
	std::string name; // table and column
	std::string step;
	std::string least;
	std::string most;
	bool indexed;
};

// Identity columns, and those whose default is nextval() and nothing else, by the OIDs of nextval() and of the casts from
// bigint (pg_proc.dat): pg_get_expr() would wait for a table's lock. A sequence that cycles is meant to come back.
constexpr const char *sequences_sql =
	"SELECT " MG_TITLE("pg_class", "s.oid") ", format('%I.%I', sn.nspname, s.relname), x.oid, " MG_SOURCE(
		"x",
		"n") ","
			 " quote_ident(a.attname), format('%I.%I.%I', n.nspname, x.relname, a.attname), q.seqincrement, q.seqmin, "
			 "q.seqmax,"
			 " EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam"
			 " WHERE i.indrelid = x.oid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum AND m.amname "
			 "= 'btree')"
			 " FROM (SELECT d.objid AS sequence, d.refobjid AS owner, d.refobjsubid AS number FROM pg_depend d"
			 " WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'"
			 " AND d.refobjsubid > 0"
			 " UNION SELECT d.refobjid, e.adrelid, e.adnum FROM pg_depend d JOIN pg_attrdef e ON e.oid = d.objid"
			 " WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND e.adbin::text ~"
			 " '^\\{FUNCEXPR :funcid (1574 |(480|714|1781) [^{}]*:args \\(\\{FUNCEXPR :funcid 1574 )') u"
			 " JOIN pg_sequence q ON q.seqrelid = u.sequence JOIN pg_class s ON s.oid = u.sequence"
			 " JOIN pg_namespace sn ON sn.oid = s.relnamespace"
			 " JOIN pg_attribute a ON a.attrelid = u.owner AND a.attnum = u.number JOIN pg_type y ON y.oid = a.atttypid"
			 " JOIN pg_class x ON x.oid = u.owner" MG_OF_TABLE
			 " AND x.relkind IN ('r', 'p') AND NOT x.relispartition AND NOT q.seqcycle AND NOT a.attisdropped"
			 " AND CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid END IN (20, 21, 23, 1700)"
			 " AND ($2::text[] IS NULL OR " MG_WANTED("pg_class", "x.oid") " OR " MG_WANTED("pg_class",
																							"s.oid") ") ORDER BY 6, 1";

// What nextval() gives next; nothing when the sequence has reached its end.
pg::Cell
next_value(const Numbered &numbered)
{
	std::vector<pg::Row> rows = ask_built("SELECT v FROM (SELECT CASE WHEN is_called THEN last_value::numeric + (" +
										  numbered.step + ") ELSE last_value END FROM " + numbered.sequence +
										  ") AS s (v) WHERE v BETWEEN " + numbered.least + " AND " + numbered.most);
	return rows.empty() ? pg::Cell() : rows[0][0];
}

// The farthest value of the column that the sequence has yet to come to. By steps of two and more it passes others by.
pg::Cell
farthest_value(const Numbered &numbered, const std::string &next, const Extent &extent, bool sample)
{
	bool up = numbered.step[0] != '-';
	bool passes = numbered.step != "1" && numbered.step != "-1";

	return ask_built(std::string("SELECT ") + (up ? "max" : "min") + "(t." + numbered.column + ") FROM " +
					 numbered.source + " AS t" + (sample ? extent.clause() : "") + " WHERE t." + numbered.column +
					 " BETWEEN " + (up ? next : numbered.least) + " AND " + (up ? numbered.most : next) +
					 (passes
						  ? " AND mod(t." + numbered.column + "::numeric - (" + next + "), " + numbered.step + ") = 0"
						  : ""))
		.at(0)
		.at(0);
}

// The sequence is asked again at the end, since others take values and insert them meanwhile.
void
check_sequence(const Numbered &numbered, Report &report, Sampled &sampled)
{
	pg::Cell next = next_value(numbered);
	if (!next.has_value())
		return;
	Extent extent = extent_of(numbered.oid, is_partitioned(numbered.source));
	if (extent.foreign)
		return report.skipped(numbered.title, "some rows of " + numbered.name + " are on another server");

	bool up = numbered.step[0] != '-';
	bool sample = extent.is_large() && !(numbered.indexed && (numbered.step == "1" || numbered.step == "-1"));
	pg::Cell farthest = farthest_value(numbered, *next, extent, sample);
	if (sample)
		sampled.add(numbered.name);
	if (!farthest.has_value())
		return;
	next = next_value(numbered);
	if (!next.has_value() ||
		(up ? std::stoll(*next) > std::stoll(*farthest) : std::stoll(*next) < std::stoll(*farthest)))
		return;
	report.bad(numbered.title,
			   std::string(up ? "above " : "below ") + *farthest + (up ? ", the highest " : ", the lowest ") +
				   numbered.name,
			   "next value is " + *next);
}

} // namespace

void
check_foreign_keys(const Target &target, std::vector<pg::Row> &rows)
{
	Report report("foreign key", no_dangling, rows);
	Sampled sampled;
	std::vector<ForeignKey> keys;

	std::optional<pg::Error> error = pg::try_and_undo([&] {
		for (const pg::Row &row : ask(foreign_keys_sql, parameters(target)))
			keys.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""),
							row[4].value_or(""), row[5].value_or(""), row[6].value_or(""), row[7].value_or("")});
	});
	if (error.has_value())
		return report.failed("foreign keys", *error);
	for (const ForeignKey &key : keys)
	{
		std::optional<pg::Error> failure = pg::try_and_undo([&] { check_foreign_key(key, report, sampled); });
		if (failure.has_value())
			report.failed(key.title, *failure);
	}
	if (!keys.empty() || !target.objects.has_value())
		report.close(counted(keys.size(), "foreign key", "foreign keys"), sampled.remark());
}

void
check_sequences(const Target &target, std::vector<pg::Row> &rows)
{
	Report report("sequence", not_behind, rows);
	Sampled sampled;
	std::vector<Numbered> all;

	std::optional<pg::Error> error = pg::try_and_undo([&] {
		for (const pg::Row &row : ask(sequences_sql, parameters(target)))
			all.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""),
						   row[4].value_or(""), row[5].value_or(""), row[6].value_or(""), row[7].value_or(""),
						   row[8].value_or(""), row[9] == "t"});
	});
	if (error.has_value())
		return report.failed("sequences", *error);
	for (const Numbered &numbered : all)
	{
		std::optional<pg::Error> failure = pg::try_and_undo([&] { check_sequence(numbered, report, sampled); });
		if (failure.has_value())
			report.failed(numbered.title, *failure);
	}
	if (!all.empty() || !target.objects.has_value())
		report.close(counted(all.size(), "sequence", "sequences") + " of columns", sampled.remark());
}

} // namespace mg::migrate::integrity
