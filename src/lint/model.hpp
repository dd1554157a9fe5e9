// The tables that a script touches: as they are now, and as its earlier statements leave them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lint/enums.hpp"
#include "pg/boundary.hpp"
#include "pg/memory.hpp"

namespace mg::lint {

struct Column
{
	std::string name;
	int number = 0;        // 0 when the script made it
	Oid type = InvalidOid; // InvalidOid when nobody knows it
	int32_t typmod = -1;   // -1 too when the script made it
	Oid collation = InvalidOid;
	bool not_null = false;
	bool has_default = false;
	char identity = '\0';
	char generated = '\0';
	int inherited = 0; // from how many parents
	bool made_here = false;
};

struct TableConstraint
{
	std::string name;
	char type = '\0'; // as in pg_constraint
	std::vector<std::string> columns;
	bool validated = true;
	bool enforced = true;
	bool inherited = false;
	bool made_here = false;
	Oid oid = InvalidOid;
	Oid index = InvalidOid;
	Oid other = InvalidOid;           // the table that a foreign key names
	const Node *expression = nullptr; // what a CHECK that the script makes says, as parsed
};

struct Index
{
	std::string name;
	Oid oid = InvalidOid;
	std::vector<std::string> columns; // empty for an expression
	int keys = 0;                     // the rest of the columns are included ones
	bool is_unique = false;
	bool is_primary = false;
	bool is_valid = true;
	bool is_partial = false;
	bool has_expressions = false;
	bool is_constraint = false;
	bool made_here = false;
};

// A relation. Pointers to it hold as long as the model.
struct Table
{
	std::string schema;
	std::string name;
	Oid oid = InvalidOid; // of what was there before the script
	char kind = '\0';     // relkind
	char persistence = 'p';
	bool made_here = false;
	bool is_partition = false;
	bool is_unpublished = false; // known to be in no publication
	bool has_row_security = false;
	bool has_children = false;
	bool has_triggers = false;  // or had, before the script; foreign keys are some too
	bool is_written = false;    // by a statement before this one
	bool has_new_parts = false; // triggers, policies or rules that the script has made or renamed
	int partitions = 0;         // leaves below a partitioned table
	Oid default_partition = InvalidOid;
	Oid parent = InvalidOid;                // of a partition
	std::vector<std::string> partition_key; // empty for an expression
	int64_t bytes = 0;                      // with partitions and children
	double rows = -1;                       // as the planner has them; below 0 when nobody knows
	int attributes = 0;                     // dropped ones too
	std::vector<Column> columns;
	std::vector<TableConstraint> constraints;
	std::vector<Index> indexes;
	std::vector<TableConstraint> dropped; // constraints that the script has dropped
	/* For free_name(): names that are taken, and where to look on. */
	std::unordered_set<std::string> names;
	std::unordered_map<std::string, int> numbers;

	std::string title() const; // schema-qualified and quoted
	Column *column(const std::string &column_name);
	const Column *column(const std::string &column_name) const;
	TableConstraint *constraint(const std::string &constraint_name);
	Index *index(const std::string &index_name);
	bool has_primary_key() const;
};

// Resolves names as the script's statements would, with its own search_path.
class Model
{
public:
	// The relation that a name means now, or nullptr if there is none.
	Table *find(const RangeVar *name);
	Table *find(const std::string &schema, const std::string &name);
	Table *find(Oid oid);
	// The type that a name means now, or InvalidOid, also for one that the script makes.
	Oid find_type(const TypeName *name);
	Oid find_type(const List *names);
	Oid find_collation(const List *names);
	// The table of an index, or nullptr.
	Table *table_of_index(const RangeVar *name);
	// Where unqualified names are looked for now, without pg_catalog; of types and functions too.
	std::vector<std::string> search_path();

	// What statements do.
	Table *make(const RangeVar *name, char kind);
	void drop(Table *table);
	void rename(Table *table, const std::string &name);
	void move(Table *table, const std::string &schema);
	// Where what has no schema in its name is made now.
	std::string new_objects_schema();
	// Nothing: that of the session.
	void set_search_path(std::optional<std::vector<std::string>> schemas)
	{
		is_path_set_ = schemas.has_value();
		path_ = std::move(schemas);
	}
	// Whether the script says where names are looked up.
	bool is_path_set() const { return is_path_set_; }

	// A copy of a parse tree that lasts as long as this.
	const Node *keep(const Node *node);

	// The script's own TimeZone, which decides on changes between the two kinds of timestamp; nothing: that of the session.
	const std::optional<std::string> &time_zone() const { return time_zone_; }
	void set_time_zone(std::optional<std::string> zone) { time_zone_ = std::move(zone); }

	// What was made so far is committed by now: its constraints can be validated without a lock of its own.
	void forget_transaction();

	// Functions that the script makes, with what it says of their volatility; nullptr for any other.
	void make_function(const std::string &name, char volatility) { functions_[name] = volatility; }
	const char *made_function(const std::string &name) const
	{
		auto found = functions_.find(name);
		return found != functions_.end() ? &found->second : nullptr;
	}
	Enums enums;

	// Every relation that was asked for or made.
	const std::vector<std::unique_ptr<Table>> &tables() const { return tables_; }

private:
	using Name = std::pair<std::string, std::string>;

	Table *add(std::unique_ptr<Table> table);
	std::vector<std::string> schemas_of(const RangeVar *name);
	std::vector<std::string> schemas_of(const List *names);
	static std::string creation_schema(const std::vector<std::string> &schemas);

	pg::MemoryScope memory_{"migration_governance model"};
	std::vector<std::unique_ptr<Table>> tables_;
	std::map<Name, Table *> by_name_; // nullptr: dropped or renamed by the script
	std::map<Oid, Table *> by_oid_;
	std::map<std::string, char> functions_;
	bool is_path_set_ = false;
	std::optional<std::string> time_zone_;
	std::optional<std::vector<std::string>> path_; // of the session until the script sets another one
};

// The name that the server would give a constraint or an index: t_c_key, t_c_key1, ...; no part of it may be quoted.
std::string free_name(Table &table, const std::string &middle, const std::string &label);

// Reads a relation out of the catalogs without locking it; nothing if it is gone. Of the system's own tables only names and kind.
std::unique_ptr<Table> read_table(Oid oid);

} // namespace mg::lint
