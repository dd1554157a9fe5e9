// Writes pictures as JSON, and all of them as a snapshot.
#include "schema/snapshot.hpp"

#include <algorithm>
#include <map>

#include "core/json.hpp"
#include "pg/jsonb.hpp"
#include "pg/memory.hpp"
#include "pg/session.hpp"

namespace mg::schema {

namespace {

constexpr int format_version = 1;

void
push_text_raw(JsonbParseState **state, JsonbIteratorToken token, const std::string &text)
{
	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = const_cast<char *>(text.data());
	value.val.string.len = static_cast<int>(text.size());
	pushJsonbValue(state, token, &value);
}

void
push_properties_raw(JsonbParseState **state, const Part &part)
{
	for (const auto &property : part.properties)
	{
		push_text_raw(state, WJB_KEY, property.first);
		push_text_raw(state, WJB_VALUE, property.second);
	}
}

// Sorted parts: the object's own properties come first, then section by section.
Jsonb *
jsonb_of_raw(const Picture &picture)
{
	JsonbParseState *state = nullptr;
	const std::string *section = nullptr;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
	for (const Part &part : picture.parts)
	{
		if (part.section.empty())
		{
			push_properties_raw(&state, part);
			continue;
		}
		if (section == nullptr || *section != part.section)
		{
			if (section != nullptr)
				pushJsonbValue(&state, WJB_END_OBJECT, nullptr);
			push_text_raw(&state, WJB_KEY, part.section);
			pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
			section = &part.section;
		}
		push_text_raw(&state, WJB_KEY, part.key);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
		push_properties_raw(&state, part);
		pushJsonbValue(&state, WJB_END_OBJECT, nullptr);
	}
	if (section != nullptr)
		pushJsonbValue(&state, WJB_END_OBJECT, nullptr);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
}

Jsonb *
jsonb_of_text(const std::string &json)
{
	return pg::guarded([&] { return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.c_str()))); });
}

std::string
key_of(const Unit &unit)
{
	return unit.type + " " + unit.identity;
}

Jsonb *
join(std::map<std::string, pg::JsonbMembers> &by_type)
{
	pg::JsonbMembers all;

	for (auto &[type, members] : by_type)
		all.add(type, members.build());
	return all.build();
}

} // namespace

bool
is_cluster(const Unit &unit)
{
	return unit.catalog == AuthIdRelationId || unit.catalog == TableSpaceRelationId ||
		   unit.catalog == ParameterAclRelationId;
}

std::string
to_json(const Picture &picture)
{
	JsonObject object;
	JsonObject section;
	const std::string *name = nullptr;

	auto properties = [](JsonObject &into, const Part &part) {
		for (const auto &[property, value] : part.properties)
			into.text(property, value);
	};
	for (const Part &part : picture.parts)
	{
		if (part.section.empty())
		{
			properties(object, part);
			continue;
		}
		if (name != nullptr && *name != part.section)
		{
			object.json(*name, section.str());
			section = JsonObject();
		}
		name = &part.section;
		JsonObject own;
		properties(own, part);
		section.json(part.key, own.str());
	}
	if (name != nullptr)
		object.json(*name, section.str());
	return object.str();
}

Picture
from_json(const std::string &type, const std::string &identity, Datum jsonb)
{
	Picture picture{type, identity, {}};
	JsonbValue value;
	int depth = 0;
	std::string keys[4];

	picture.part("", "");
	auto *root = pg::guarded([&] { return DatumGetJsonbP(jsonb); });
	JsonbIterator *iterator = pg::guarded([&] { return JsonbIteratorInit(&root->root); });
	for (;;)
	{
		JsonbIteratorToken token = pg::guarded([&] { return JsonbIteratorNext(&iterator, &value, false); });
		if (token == WJB_DONE)
			break;
		if (token == WJB_BEGIN_OBJECT)
		{
			if (++depth == 3)
				picture.parts.push_back({keys[1], keys[2], {}});
		}
		else if (token == WJB_END_OBJECT)
			depth--;
		else if (token == WJB_KEY && depth < 4)
			keys[depth] = std::string(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && value.type == jbvString && (depth == 1 || depth == 3))
			(depth == 1 ? picture.parts.front() : picture.parts.back())
				.set(keys[depth], std::string_view(value.val.string.val, value.val.string.len));
	}
	picture.sort();
	return picture;
}

Datum
to_jsonb(const Picture &picture)
{
	return JsonbPGetDatum(pg::guarded([&] { return jsonb_of_raw(picture); }));
}

Datum
snapshot(const Scope &scope)
{
	std::map<std::string, pg::JsonbMembers> objects;
	std::map<std::string, pg::JsonbMembers> cluster;
	pg::JsonbMembers whole;
	JsonArray left_out;
	const std::vector<Unit> all = units(scope);

	{
		pg::MemoryScope memory("migration_governance snapshot");
		read(all, [&](const Unit &unit, const Picture &picture) {
			pg::guarded([&] { MemoryContextReset(memory.get()); });
			Jsonb *value = pg::guarded([&] {
				MemoryContext before = MemoryContextSwitchTo(memory.get());
				Jsonb *made = jsonb_of_raw(picture);
				MemoryContextSwitchTo(before);
				return made;
			});
			(is_cluster(unit) ? cluster : objects)[unit.type].add(unit.identity, value);
		});
	}
	for (const auto &[type, identity] : unmodelled(scope, all))
		left_out.text(type + " " + identity);
	whole.add("about", jsonb_of_text(JsonObject()
										 .number("format", format_version)
										 .number("server", PG_VERSION_NUM / 10000)
										 .json("unmodelled", left_out.str())
										 .str()));
	whole.add("objects", join(objects));
	if (scope.cluster)
		whole.add("cluster", join(cluster));
	return JsonbPGetDatum(whole.build());
}

std::string
fingerprint(const Scope &scope)
{
	std::vector<std::string> lines;
	std::string all;

	read(units(scope), [&](const Unit &unit, const Picture &picture) {
		std::string text = key_of(unit) + "\n" + to_json(picture);
		char *hash = pg::guarded([&] { return pg::sha256_hex_of_text_raw(text.data(), text.size()); });
		lines.emplace_back(hash);
		pg::guarded([&] { pfree(hash); });
	});
	std::sort(lines.begin(), lines.end());
	for (const std::string &line : lines)
		all += line + "\n";
	return pg::guarded([&] { return pg::sha256_hex_raw(all.data(), all.size()); });
}

} // namespace mg::schema
