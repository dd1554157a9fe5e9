// Reads the objects of runs out of the ledger and looks for them in the catalog.
#include "migrate/objects.hpp"

#include <map>

#include "ledger/store.hpp"
#include "pg/object.hpp"

namespace mg::migrate {

namespace {

#define MG_OBJECT_COLUMNS                                                                                            \
	"r.migration, o->>'type', o->>'identity', o->>'was', o->>'change', o->>'catalog', o->>'oid',"                    \
	" ARRAY(SELECT jsonb_array_elements_text(o->'names')), ARRAY(SELECT jsonb_array_elements_text(o->'arguments'))," \
	" r.installation = (SELECT installation FROM mg.current)"                                                        \
	" AND split_part(r.server_version, '.', 1) = split_part(current_setting('server_version'), '.', 1), o->>'column'"

RecordedObject
object_of(const pg::Row &row)
{
	return {row[0].value_or(""),
			row[1].value_or(""),
			row[2].value_or(""),
			row[3].value_or(""),
			row[4].value_or(""),
			row[5].value_or(""),
			pg::array_items(row[7].value_or("{}")),
			pg::array_items(row[8].value_or("{}")),
			row[9] == "t" ? static_cast<Oid>(std::stoul(row[6].value_or("0"))) : InvalidOid,
			std::stoi(row[10].value_or("0"))};
}

// What is expected so far, in the order of creation, by two keys: catalog and OID in this installation, and the name.
class Expectation
{
public:
	void apply(RecordedObject object, bool rolled_back)
	{
		auto found = find(object);

		if (object.change == "created")
		{
			if (found != by_order_.end())
				forget(found);
			/* What a rollback makes again belongs to whoever made it first. */
			if (!rolled_back)
				maker_[object.title()] = object.migration;
			else if (auto maker = maker_.find(object.title()); maker != maker_.end())
				object.migration = maker->second;
			by_order_.emplace(++count_, object);
			index(count_, object);
		}
		else if (found != by_order_.end() && object.change == "dropped")
			forget(found);
		else if (found != by_order_.end())
		{
			std::string migration = found->second.migration;
			std::size_t order = found->first;
			forget(found);
			RecordedObject renamed = object;
			renamed.migration = migration;
			by_order_.emplace(order, renamed);
			index(order, renamed);
		}
	}

	std::vector<RecordedObject> objects() const
	{
		std::vector<RecordedObject> result;
		for (const auto &[order, object] : by_order_)
			result.push_back(object);
		return result;
	}

private:
	using Order = std::map<std::size_t, RecordedObject>;

	void index(std::size_t order, const RecordedObject &object)
	{
		by_name_[object.title()] = order;
		if (OidIsValid(object.oid))
			by_oid_[object.key()] = order;
	}

	/* An object of a restored record has no OID that counts here, pg_upgrade keeps those of relations only, and ALTER TABLE
	   gives a rebuilt index another one: such are found by name, or by the name they had before. */
	Order::iterator find(const RecordedObject &object)
	{
		if (auto found = by_oid_.find(object.key()); OidIsValid(object.oid) && found != by_oid_.end())
			return by_order_.find(found->second);
		for (const std::string &name :
			 {object.type + " " + (object.was.empty() ? object.identity : object.was), object.title()})
			if (auto found = by_name_.find(name); found != by_name_.end())
				if (auto it = by_order_.find(found->second); it != by_order_.end())
					return it;
		return by_order_.end();
	}

	void forget(Order::iterator it)
	{
		by_name_.erase(it->second.title());
		by_oid_.erase(it->second.key());
		by_order_.erase(it);
	}

	std::size_t count_ = 0;
	Order by_order_;
	std::map<std::string, std::size_t> by_oid_;
	std::map<std::string, std::size_t> by_name_;
	std::map<std::string, std::string> maker_;
};

// A relation that is known by its name only, and has moved to another schema along with its table: the one relation of
// that kind and name.
std::optional<std::string>
find_moved_relation(const RecordedObject &object)
{
	if (OidIsValid(object.oid) || object.catalog != "pg_class" || object.names.size() != 2)
		return std::nullopt;
	std::vector<pg::Row> rows = ledger::query(
		"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c"
		" JOIN pg_namespace n ON n.oid = c.relnamespace,"
		" pg_identify_object('pg_class'::regclass, c.oid, 0) i WHERE c.relname = $1 AND i.type = $2 LIMIT 2",
		{object.names[1], object.type});
	return rows.size() == 1 ? std::optional<std::string>(rows[0][0].value_or("")) : std::nullopt;
}

} // namespace

std::vector<RecordedObject>
objects_of_run(const std::string &installation, int64_t run)
{
	std::vector<RecordedObject> result;

	for (const pg::Row &row :
		 ledger::query("SELECT " MG_OBJECT_COLUMNS " FROM mg.run r, jsonb_array_elements(r.objects) AS o"
					   " WHERE r.installation = $1::uuid AND r.id = $2::bigint",
					   {installation, std::to_string(run)}))
		result.push_back(object_of(row));
	return result;
}

std::vector<RecordedObject>
expected_objects()
{
	Expectation expectation;

	for (const pg::Row &row :
		 ledger::query("SELECT " MG_OBJECT_COLUMNS ", r.outcome = 'rolled back'"
					   " FROM mg.run r, jsonb_array_elements(r.objects) WITH ORDINALITY AS e(o, position)"
					   " WHERE r.outcome IN ('applied', 'rolled back') ORDER BY r.at, r.id, position"))
		expectation.apply(object_of(row), row[11] == "t");
	return expectation.objects();
}

std::optional<std::string>
find_object(const RecordedObject &object, bool by_name_too)
{
	if (OidIsValid(object.oid))
	{
		if (std::optional<std::string> identity = pg::identity_of(object.catalog, object.oid, object.column))
			return identity;
		if (!by_name_too)
			return std::nullopt;
	}
	if (!object.names.empty() && pg::object_exists(object.type, object.names, object.arguments))
		return object.identity;
	return by_name_too ? find_moved_relation(object) : std::nullopt;
}

drift::Change
change_of(const capture::Run &run, const std::vector<capture::RunObject> &objects)
{
	drift::Change change;
	std::vector<schema::Address> dropped;

	for (const capture::RunObject &object : objects)
	{
		schema::Address address = {object.catalog_oid, object.oid};
		change.touched.push_back(address);
		if (object.change == "dropped")
			dropped.push_back(address);
		else if (object.change == "created")
			change.made.push_back(address);
	}
	for (const auto &[catalog, oid] : run.dropped_defaults())
		dropped.push_back({catalog, oid});
	for (const schema::Address &owner : schema::owners_before(dropped, run.before()))
		change.touched.push_back(owner);
	change.incomplete = run.is_incomplete();
	change.before = run.before();
	return change;
}

} // namespace mg::migrate
