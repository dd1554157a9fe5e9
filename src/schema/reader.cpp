// Puts the families together and reads their pictures in batches.
#include "schema/reader.hpp"

#include <algorithm>
#include <cstring>

namespace mg::schema {

namespace {

constexpr size_t batch_size = 500;
constexpr int server_major = PG_VERSION_NUM / 10000;

const Family &
family_of(Oid catalog)
{
	for (const Family &family : families())
		if (family.catalog == catalog)
			return family;
	throw UserError("XX000", "no family of objects in catalog " + std::to_string(catalog));
}

// The server's caches would keep every relation that a deparser opened and every row that it looked up. Whoever uses one is
// not disturbed: it stays until it is closed.
void
forget_caches(const std::vector<Unit> &units, size_t first, size_t count)
{
	pg::guarded([&] {
		for (size_t i = first; i < first + count; i++)
			if (units[i].catalog == RelationRelationId)
				RelationCacheInvalidateEntry(units[i].oid);
		ResetCatalogCaches();
	});
}

} // namespace

bool
has_rows(Oid catalog)
{
	return pg::guarded([&] {
		Relation relation = table_open(catalog, AccessShareLock);
		bool found = RelationGetNumberOfBlocks(relation) > 0;
		table_close(relation, AccessShareLock);
		return found;
	});
}

void
read_by_sql(const Reader &reader, Album &album)
{
	pg::Table table = pg::query_table_as(BOOTSTRAP_SUPERUSERID, reader.sql, album.oids());

	for (const pg::Row &row : table.rows)
	{
		Picture *picture = album.find(static_cast<Oid>(std::stoul(row[0].value_or("0"))));
		if (picture == nullptr)
			continue;
		Part &part = picture->part(row[1].value_or(""), row[2].value_or(""));
		for (size_t i = 3; i < row.size(); i++)
			if (row[i].has_value())
				part.set(table.columns[i], *row[i]);
	}
}

PlainSettings::PlainSettings()
{
	static constexpr const char *settings[][2] = {
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"bytea_output", "hex"},
		{"extra_float_digits", "1"},
		{"lc_monetary", "C"},
		{"standard_conforming_strings", "on"},
		{"xmlbinary", "base64"},
	};

	pg::guarded([] {
		for (const auto &[name, value] : settings)
			if (strcmp(GetConfigOption(name, false, false), value) != 0)
				set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	});
}

Album::Album(const std::vector<Unit> &units, size_t first, size_t count) : oids_("{")
{
	for (size_t i = first; i < first + count; i++)
	{
		oids_ += (i == first ? "" : ",") + std::to_string(units[i].oid);
		Picture &picture = pictures_[units[i].oid];
		picture.type = units[i].type;
		picture.identity = units[i].identity;
		picture.part("", "");
	}
	oids_ += "}";
}

Picture *
Album::find(Oid oid)
{
	auto found = pictures_.find(oid);
	return found != pictures_.end() ? &found->second : nullptr;
}

const std::vector<Family> &
families()
{
	static const std::vector<Family> all = [] {
		std::vector<Family> list;
		add_relations(list);
		add_routines(list);
		add_types(list);
		add_operators(list);
		add_text_search(list);
		add_languages(list);
		add_namespaces(list);
		add_foreign(list);
		add_replication(list);
		add_statistics(list);
		add_database(list);
		add_roles(list);
		return list;
	}();
	return all;
}

void
read(const std::vector<Unit> &units, const Sink &sink)
{
	PlainSettings settings;
	const bool labels = has_rows(SecLabelRelationId);

	for (size_t first = 0; first < units.size();)
	{
		size_t count = 1;
		while (count < batch_size && first + count < units.size() &&
			   units[first + count].catalog == units[first].catalog)
			count++;

		const Family &family = family_of(units[first].catalog);
		Album album(units, first, count);
		if (labels)
			album.has |= need_labels;
		if (family.read != nullptr)
			family.read(album);
		for (const Reader &reader : family.readers)
			if (reader.since <= server_major && server_major <= reader.until && (reader.needs & ~album.has) == 0)
				read_by_sql(reader, album);
		for (size_t i = first; i < first + count; i++)
		{
			Picture *picture = album.find(units[i].oid);
			picture->sort();
			sink(units[i], *picture);
		}
		if (count == batch_size)
			forget_caches(units, first, count);
		first += count;
	}
}

} // namespace mg::schema
