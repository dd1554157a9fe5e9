// The relations of an album with their columns, as the catalogs have them, and expressions over these columns as text.
#pragma once

#include "schema/catalog.hpp"

namespace mg::schema {

// A column that lives; one that was dropped has no name.
struct Column
{
	const char *name;
	Oid type;
	int32 typmod;
	Oid collation;
	int statistics_target; // -1: as the server likes
	const char *options;
	char storage;
	char compression;
	char identity;
	char generated;
	bool not_null;
	bool local;     // as opposed to only inherited
	bool inherited; // from a parent as well, or only
	bool has_privileges;
	bool has_own_sequence; // an identity whose sequence is not the usual one
	bool has_foreign_options;
	DraftPart *part;
};

struct Table
{
	Oid oid;
	const char *name;
	Oid schema;
	char kind;
	char persistence;
	bool partition;
	bool typed; // made OF a composite type
	Column *columns;
	int count;     // with the dropped columns
	List *context; // for expressions, made when the first is met

	// The column of that number, or nullptr.
	Column *column(int number) const;
	// Has columns of its own, as opposed to those of a view's query.
	bool is_table() const
	{
		return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_FOREIGN_TABLE;
	}
};

struct Tables
{
	Oids oids; // asked for
	Table *rows;
	int count;
	MemoryContext scratch;

	Table *find(Oid oid) const;
};

// Reads relations with their columns, in the order of their OIDs. Sequences and what is gone are left out.
Tables read_tables_raw(const Oids &oids);

// A constraint that has an index of its own.
struct Key
{
	Oid index;
	char type;
};
struct Keys
{
	Key *rows; // in the order of the indexes' OIDs
	int count;

	// The type of the constraint that an index is for, or 0.
	char find(Oid index) const;
};

// Adds what relations are themselves, sequences too; gives what else there is in the batch, of enum Need.
unsigned add_facts_raw(const Oids &oids, Draft &draft);

// Draw the sections. Constraints go before indexes.
void add_columns_raw(const Tables &tables, Draft &draft);
Keys add_constraints_raw(const Tables &tables, Draft &draft);
// Gives the OIDs of the indexes.
Oids add_indexes_raw(const Tables &tables, const Keys &keys, Draft &draft);

// Adds what only few columns have.
void add_column_rarities(const Tables &tables, Album &album);

// Tells whether one of the indexes goes with an extension (DEPENDS ON EXTENSION), and reads with which.
bool go_along_raw(const Oids &indexes);
extern const Reader index_extensions_reader;

// The statistics target in a row of pg_attribute, or -1.
int statistics_target_raw(HeapTuple tuple, TupleDesc desc);

// An expression over a table's columns, as the server would write it; a tree is in the form that the catalogs keep.
const char *expression_raw(Table &table, Node *node);
const char *expression_raw(const Tables &tables, Table &table, Datum tree);

// Column names, quoted, with commas; the numbers are an int2[] or int2vector.
const char *column_list_raw(const Table &table, const int16 *numbers, int count);

} // namespace mg::schema
