// How definitions are read: SQL that writes SQL, most of it like the object's page in the manual.
#pragma once

#include <vector>

#include "schema/reader.hpp"

namespace mg::schema {

// A query for statements. Its parameters are three arrays, which MG_GONE makes a table of: the catalog, OID and column of all that is gone.
// Its columns: the same three of the object that the statement is for, the statement's rank, and the statement, empty where another one makes
// the object. It runs as a superuser with search_path pg_catalog, so that names come with their schemas.
using Definer = const char *;

void add_table_definers(std::vector<Definer> &definers);
void add_part_definers(std::vector<Definer> &definers);  // keys, indexes, triggers, policies and so on
void add_other_definers(std::vector<Definer> &definers); // schemas, types, routines, views
void add_note_definers(std::vector<Definer> &definers);  // owners, privileges, comments

// Ranks: of statements that could come next, the one with the lowest does.
#define MG_RANK_SCHEMA "10"
#define MG_RANK_TYPE "20"
#define MG_RANK_DOMAIN_CHECK "25"
#define MG_RANK_SEQUENCE "30"
#define MG_RANK_ROUTINE "40"
#define MG_RANK_TABLE "50"
#define MG_RANK_COLUMN "60"
#define MG_RANK_OWNED_BY "70"
#define MG_RANK_DEFAULT "80"
#define MG_RANK_ROWS "83"
#define MG_RANK_CHECK "85"
#define MG_RANK_KEY "90"
#define MG_RANK_INDEX "100"
#define MG_RANK_ATTACH_INDEX "105"
#define MG_RANK_ATTACH "110"
#define MG_RANK_STATISTICS "120"
#define MG_RANK_VIEW "130"
#define MG_RANK_RULE "140"
#define MG_RANK_MATVIEW "150"
#define MG_RANK_TRIGGER "160"
#define MG_RANK_FOREIGN_KEY "170"
#define MG_RANK_POLICY "180"
#define MG_RANK_PUBLICATION "190"
#define MG_RANK_PRIVILEGES "200"
#define MG_RANK_COMMENT "210"
// For what follows the object's own statement at once.
#define MG_RANK_SAME "0"

// Begins a definer.
#define MG_GONE "WITH gone AS (SELECT * FROM unnest($1::oid[], $2::oid[], $3::int[]) u (class, oid, sub))"

// Is gone as a whole.
#define MG_IS_GONE(catalog, oid) \
	" EXISTS (SELECT FROM gone one WHERE one.class = '" catalog "'::regclass AND one.oid = " oid " AND one.sub = 0)"

// Is a column that is gone, alone or with its table.
#define MG_COLUMN_IS_GONE(a)                                                                \
	" EXISTS (SELECT FROM gone one WHERE one.class = 'pg_class'::regclass AND one.oid = " a \
	".attrelid AND one.sub IN (0, " a ".attnum))"

// Name of a relation, whose OID comes from no table called named_class.
#define MG_RELATION(oid)                                                                                              \
	"(SELECT format('%I.%I', named_schema.nspname, named_class.relname) FROM pg_class named_class JOIN pg_namespace " \
	"named_schema"                                                                                                    \
	" ON named_schema.oid = named_class.relnamespace WHERE named_class.oid = " oid ")"

// Options as they are stored, for WITH or SET.
#define MG_OPTIONS(array, prefix)                                                           \
	"(SELECT string_agg(format('" prefix                                                    \
	"%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ' ORDER BY place)" \
	" FROM unnest(" array ") WITH ORDINALITY l (o, place))"

// ENABLE, DISABLE and the like, of a trigger or rule.
#define MG_STATE(enabled) \
	"CASE " enabled       \
	" WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END"

} // namespace mg::schema
