// Carries what was read from catalog rows into pictures.
#include "schema/catalog.hpp"

#include <algorithm>
#include <cstring>

namespace mg::schema {

namespace {

// An option that the server itself gives every new column since 15.20; pg_dump leaves it out as well.
constexpr char internal_option[] = "pg_attver=";

} // namespace

int
Oids::find(Oid oid) const
{
	Oid *end = values + count;
	Oid *place = std::lower_bound(values, end, oid);

	return place != end && *place == oid ? static_cast<int>(place - values) : -1;
}

Oids
sorted_raw(Oid *values, int count)
{
	std::sort(values, values + count);
	return {values, static_cast<int>(std::unique(values, values + count) - values)};
}

void
DraftPart::set_raw(const char *name, const char *value)
{
	if (value == nullptr)
		return;

	auto *property = static_cast<DraftProperty *>(palloc(sizeof(DraftProperty)));
	*property = {name, value, properties};
	properties = property;
}

DraftPart *
Draft::add_raw(Oid unit, const char *section, const char *key)
{
	auto *part = static_cast<DraftPart *>(palloc(sizeof(DraftPart)));

	*part = {unit, section, key, nullptr, newest};
	newest = part;
	return part;
}

void
paste(const Draft &draft, Album &album)
{
	for (const DraftPart *part = draft.newest; part != nullptr; part = part->next)
	{
		Picture *picture = part->properties != nullptr ? album.find(part->unit) : nullptr;
		if (picture == nullptr)
			continue;
		const bool own = part->section[0] == '\0'; // which the picture has from the start
		if (!own)
			picture->parts.push_back({part->section, part->key, {}});
		auto &properties = own ? picture->parts.front().properties : picture->parts.back().properties;
		size_t count = 0;
		for (const DraftProperty *property = part->properties; property != nullptr; property = property->next)
			count++;
		properties.reserve(properties.size() + count);
		for (const DraftProperty *property = part->properties; property != nullptr; property = property->next)
			properties.emplace_back(property->name, property->value);
	}
}

std::vector<Oid>
oids_of(const Album &album)
{
	std::vector<Oid> oids;
	char *place = nullptr;

	for (const char *text = album.oids().c_str(); *text != '\0' && *text != '}'; text = place)
	{
		Oid oid = static_cast<Oid>(strtoul(text + 1, &place, 10));
		if (oid != InvalidOid)
			oids.push_back(oid);
	}
	std::sort(oids.begin(), oids.end());
	return oids;
}

const char *
text_cell_raw(HeapTuple tuple, AttrNumber column, TupleDesc desc)
{
	bool null = heap_attisnull(tuple, column, desc);

	return null ? nullptr : TextDatumGetCString(heap_getattr(tuple, column, desc, &null));
}

const char *
options_cell_raw(HeapTuple tuple, AttrNumber column, TupleDesc desc)
{
	bool null = heap_attisnull(tuple, column, desc);
	if (null)
		return nullptr;

	Datum *items = nullptr;
	int count = 0;
	deconstruct_array(DatumGetArrayTypeP(heap_getattr(tuple, column, desc, &null)), TEXTOID, -1, false, TYPALIGN_INT,
					  &items, nullptr, &count);
	if (count == 0)
		return nullptr;
	auto **texts = static_cast<const char **>(palloc(sizeof(char *) * count));
	int kept = 0;
	for (int i = 0; i < count; i++)
	{
		const char *item = TextDatumGetCString(items[i]);
		if (strncmp(item, internal_option, sizeof(internal_option) - 1) != 0)
			texts[kept++] = item;
	}
	if (kept == 0)
		return nullptr;
	std::sort(texts, texts + kept, [](const char *a, const char *b) { return strcmp(a, b) < 0; });
	StringInfoData list;
	initStringInfo(&list);
	for (int i = 0; i < kept; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", texts[i]);
	return list.data;
}

const char *
qualified_name_raw(Oid schema, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

} // namespace mg::schema
