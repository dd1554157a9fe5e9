// Reads the receipt and looks at the objects again.
#include "migrate/rehearsed.hpp"

#include <algorithm>
#include <set>

#include <boost/algorithm/string/join.hpp>

#include "core/json.hpp"
#include "drift/pictures.hpp"
#include "ledger/store.hpp"
#include "migrate/objects.hpp"
#include "schema/snapshot.hpp"

namespace mg::migrate {

namespace {

using Name = std::pair<std::string, std::string>; // type and identity

struct Rehearsed
{
	std::string id;
	std::string at;
	std::vector<Picture> before;
	std::set<std::string> told; // differences, as title_of() writes them
};

// What differs, without the values.
std::string
title_of(const Deviation &deviation)
{
	return deviation.type + " " + deviation.identity + ": " +
		   (deviation.property.empty() ? deviation.kind : deviation.property);
}

Picture
picture_of(const pg::Row &row)
{
	Datum json = pg::guarded([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(row[2]->c_str())); });
	return schema::from_json(*row[0], *row[1], json);
}

std::optional<Rehearsed>
find_rehearsed(const ledger::LastRun &applied, const std::string &down_checksum)
{
	std::vector<pg::Row> rows = ledger::query(
		"SELECT r.id, r.at::timestamptz(0) FROM mg.rehearsal r WHERE r.checksum = $1 AND r.down_checksum = $2"
		" AND r.installation = $3::uuid AND r.installation = (SELECT installation FROM mg.current) AND r.id < "
		"$4::bigint"
		" AND r.steps->0->>'phase' = 'up'"
		" AND r.verdict IN ('restores', 'restores, but column order', 'differs') ORDER BY r.id DESC LIMIT 1",
		{applied.checksum, down_checksum, applied.installation, std::to_string(applied.id)});
	if (rows.empty())
		return std::nullopt;

	Rehearsed result = {*rows[0][0], *rows[0][1], {}, {}};
	for (const pg::Row &row : ledger::query(
			 "SELECT b->>'type', b->>'identity', b->'definition' FROM mg.rehearsal r, jsonb_array_elements(r.before) b"
			 " WHERE r.installation = $1::uuid AND r.id = $2::bigint",
			 {applied.installation, result.id}))
		result.before.push_back(picture_of(row));
	for (const pg::Row &row :
		 ledger::query("SELECT (f->>'object') || ': ' || split_part(f->>'value', ': ', 1) FROM mg.rehearsal r,"
					   " jsonb_array_elements(r.facts) f WHERE r.installation = $1::uuid AND r.id = $2::bigint"
					   " AND f->>'aspect' = 'difference'",
					   {applied.installation, result.id}))
		result.told.insert(*row[0]);
	std::sort(result.before.begin(), result.before.end(), [](const Picture &a, const Picture &b) {
		return std::tie(a.type, a.identity) < std::tie(b.type, b.identity);
	});
	return result;
}

// The objects that anybody else has touched since the migration was applied.
std::set<std::string>
touched_since(const ledger::LastRun &applied, int64_t run_id)
{
	std::set<std::string> result;

	for (const pg::Row &row :
		 ledger::query("WITH since AS MATERIALIZED (SELECT s.identity, s.objects FROM mg.statement s"
					   " WHERE s.installation = $1::uuid AND s.id > $2::bigint"
					   " AND (s.run IS NULL OR s.run NOT IN ($2::bigint, $3::bigint)))"
					   " SELECT s.identity FROM since s WHERE s.identity IS NOT NULL"
					   " UNION SELECT o->>'identity' FROM since s, jsonb_array_elements(s.objects) o",
					   {applied.installation, std::to_string(applied.id), std::to_string(run_id)}))
		result.insert(row[0].value_or(""));
	return result;
}

// Tells whether an object, or one that belongs to it, is in a set of identities.
bool
has_any_of(const Picture &picture, const std::set<std::string> &identities)
{
	return std::any_of(identities.begin(), identities.end(), [&](const std::string &identity) {
		return identity == picture.identity || identity.rfind(picture.identity + ".", 0) == 0 ||
			   (identity.size() > picture.identity.size() + 4 &&
				identity.compare(identity.size() - picture.identity.size() - 4, std::string::npos,
								 " on " + picture.identity) == 0);
	});
}

void
remove_touched(std::vector<Picture> &pictures, const std::set<std::string> &identities)
{
	pictures.erase(std::remove_if(pictures.begin(), pictures.end(),
								  [&](const Picture &picture) { return has_any_of(picture, identities); }),
				   pictures.end());
}

Oid
catalog_of(const RecordedObject &object)
{
	return pg::guarded([&] { return get_relname_relid(object.catalog.c_str(), PG_CATALOG_NAMESPACE); });
}

// The objects of the migration as they are now: those that were there before, and those that this run made.
std::vector<Picture>
pictures_now(const ledger::LastRun &applied, const capture::Run &run, const std::vector<Picture> &before)
{
	std::vector<capture::RunObject> objects = run.objects();
	std::vector<schema::Address> addresses = change_of(run, objects).touched;
	std::set<Name> wanted;

	for (const RecordedObject &object : objects_of_run(applied.installation, applied.id))
		if (OidIsValid(object.oid))
			addresses.push_back({catalog_of(object), object.oid});
	for (const Picture &picture : before)
		wanted.insert({picture.type, picture.identity});
	for (const capture::RunObject &object : objects)
		if (object.change == "created")
			wanted.insert({object.type, object.identity});

	std::vector<Picture> result = drift::pictures_of(drift::scope(), addresses);
	result.erase(std::remove_if(result.begin(), result.end(),
								[&](const Picture &picture) {
									return wanted.count({picture.type, picture.identity}) == 0;
								}),
				 result.end());
	return result;
}

} // namespace

std::optional<Finding>
compare_with_rehearsal(const std::string &migration, const ledger::LastRun &applied, const std::string &down_checksum,
					   const capture::Run &run, int64_t run_id)
{
	std::optional<Rehearsed> rehearsed = find_rehearsed(applied, down_checksum);

	if (!rehearsed.has_value())
		return std::nullopt;

	std::vector<Picture> now = pictures_now(applied, run, rehearsed->before);
	const std::set<std::string> others = touched_since(applied, run_id);
	remove_touched(now, others);
	remove_touched(rehearsed->before, others);

	std::vector<std::string> surprises;
	JsonArray evidence;
	for (const Deviation &deviation : drift::deviations_between(rehearsed->before, now))
		if (std::string title = title_of(deviation); rehearsed->told.count(title) == 0)
		{
			if (!deviation.property.empty())
				title += ": " + deviation.expected.value_or("nothing") + " before, " +
						 deviation.actual.value_or("nothing") + " after";
			evidence.json(JsonObject().text("difference", title).str());
			surprises.push_back(std::move(title));
		}
	if (!surprises.empty())
		pg::report(WARNING, UserError("01000", "rollback of migration \"" + migration +
												   "\" leaves the schema other than its rehearsal did")
								.detail("Rehearsed at " + rehearsed->at +
										"; differs now: " + boost::algorithm::join(surprises, "; ") + ".")
								.hint("mg.rehearsals has the receipt, number " + rehearsed->id + "."));
	return Finding{0,
				   "the schema is as receipt " + rehearsed->id + " says",
				   surprises.empty(),
				   false,
				   "",
				   surprises.empty() ? "true" : "false",
				   evidence.str()};
}

} // namespace mg::migrate
