// Asks for statements and puts them in order.
#include "schema/definition.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "pg/object.hpp"
#include "schema/definers.hpp"

namespace mg::schema {

namespace {

using Place = std::tuple<Oid, Oid, int>; // catalog, OID, column

// All that an object does at one rank.
struct Step
{
	Place object;
	int rank;
	std::vector<std::string> statements;
	std::set<size_t> after;
};

// clang-format off

// What depends on what, if both are gone.
constexpr const char *links_sql =
	MG_GONE " SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype FROM pg_depend d"
			" WHERE EXISTS (SELECT FROM gone g WHERE g.class = d.classid AND g.oid = d.objid)"
			" AND EXISTS (SELECT FROM gone g WHERE g.class = d.refclassid AND g.oid = d.refobjid)";

// Parts of which the dependency says less: a default comes with its column, NOT NULL with its column or domain, an index of TOAST with its table.
constexpr const char *parts_sql =
	MG_GONE " SELECT 'pg_attrdef'::regclass::oid, d.oid, 0, 'pg_class'::regclass::oid, d.adrelid, d.adnum FROM pg_attrdef d"
	" JOIN pg_class c ON c.oid = d.adrelid WHERE" MG_IS_GONE("pg_attrdef", "d.oid") " AND EXISTS (SELECT FROM gone g"
	"  WHERE g.class = 'pg_class'::regclass AND g.oid = d.adrelid AND g.sub IN (0, d.adnum))"
	" UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0, 'pg_type'::regclass, k.contypid, 0 FROM pg_constraint k"
	" WHERE k.contype = 'n' AND" MG_IS_GONE("pg_type", "k.contypid")
	" UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0, 'pg_class'::regclass, k.conrelid, k.conkey[1] FROM pg_constraint k"
	" WHERE k.contype = 'n' AND k.convalidated AND EXISTS (SELECT FROM gone g WHERE g.class = 'pg_class'::regclass"
	"  AND g.oid = k.conrelid AND g.sub IN (0, k.conkey[1]))"
	" UNION ALL SELECT 'pg_class'::regclass, i.indexrelid, 0, 'pg_class'::regclass, i.indrelid, 0 FROM pg_index i"
	" JOIN pg_class c ON c.oid = i.indrelid WHERE c.relkind = 't' AND" MG_IS_GONE("pg_class", "i.indexrelid");

// What definers leave out for more reasons than that nobody writes such objects.
constexpr const char *reasons_sql =
	MG_GONE " SELECT 'pg_constraint'::regclass::oid, k.oid, 0, 'its triggers are disabled' FROM pg_constraint k"
			" WHERE k.contype = 'f' AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O')"
			" UNION ALL SELECT 'pg_class'::regclass, i.indexrelid, 0, 'it is not valid' FROM pg_index i WHERE NOT i.indisvalid"
			" UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0, 'its index is not valid' FROM pg_constraint k"
			" JOIN pg_index i ON i.indexrelid = k.conindid WHERE NOT i.indisvalid AND k.contype IN ('p', 'u', 'x')"
			" UNION ALL SELECT 'pg_class'::regclass, c.oid, 0, 'it is temporary' FROM pg_class c WHERE c.relpersistence = 't'"
			" UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum, 'it is both inherited and the table''s own'"
			" FROM pg_attribute a WHERE a.attinhcount > 0 AND a.attislocal";

// A table that a subscription fills forgets how far it has come.
constexpr const char *subscribed_sql =
	MG_GONE " SELECT 'pg_class'::regclass::oid, s.srrelid, 0 FROM pg_subscription_rel s WHERE" MG_IS_GONE("pg_class", "s.srrelid");

// clang-format on

Oid
oid_of(const pg::Cell &cell)
{
	return static_cast<Oid>(std::stoul(cell.value_or("0")));
}

Place
place_of(const pg::Row &row, size_t first)
{
	return {oid_of(row[first]), oid_of(row[first + 1]), std::stoi(row[first + 2].value_or("0"))};
}

std::string
title_of(const Place &place)
{
	struct Words
	{
		const char *type;
		const char *identity;
	};
	const Words words = pg::guarded([&] {
		ObjectAddress address;
		ObjectAddressSubSet(address, std::get<0>(place), std::get<1>(place), std::get<2>(place));
		return Words{getObjectTypeDescription(&address, true), getObjectIdentity(&address, true)};
	});

	return words.identity == nullptr ? "an object that is gone" : std::string(words.type) + " " + words.identity;
}

// The whole of it: objects, what is a part of which, and their steps.
class Plan
{
public:
	explicit Plan(const std::vector<ObjectAddress> &gone)
	{
		std::vector<Oid> classes, oids;
		std::string columns;

		for (const ObjectAddress &object : gone)
		{
			gone_.emplace(object.classId, object.objectId, object.objectSubId);
			classes.push_back(object.classId);
			oids.push_back(object.objectId);
			columns += (columns.empty() ? "" : ",") + std::to_string(object.objectSubId);
		}
		params_ = {pg::array_literal(classes), pg::array_literal(oids), "{" + columns + "}"};
	}

	Definitions write()
	{
		Definitions result;

		read_parts();
		read_steps();
		find_unwritten(result);
		if (!result.unwritten.empty())
			return result;
		link();
		put_in_order(result);
		name_objects(result);
		return result;
	}

private:
	std::vector<pg::Row> ask(const char *sql) const { return pg::query_as(BOOTSTRAP_SUPERUSERID, sql, params_); }

	bool is_gone(const Place &place) const { return gone_.count(place) > 0; }

	// The object that a part is written with.
	Place whole_of(Place place) const
	{
		for (size_t i = 0; i <= gone_.size(); i++)
		{
			const Place relation = {std::get<0>(place), std::get<1>(place), 0};
			const auto found = part_of_.find(place);
			if (std::get<2>(place) != 0 && is_gone(relation))
				place = relation;
			else if (found != part_of_.end())
				place = found->second;
			else
				break;
		}
		return place;
	}

	void read_parts()
	{
		for (const pg::Row &row : ask(links_sql))
		{
			const Place part = place_of(row, 0);
			const Place other = place_of(row, 3);
			const Place relation = {std::get<0>(other), std::get<1>(other), 0};
			links_.push_back({part, other, (*row[6])[0]});
			if (*row[6] == "i" && (is_gone(other) || is_gone(relation)))
				part_of_[part] = other;
		}
		for (const pg::Row &row : ask(parts_sql))
			part_of_[place_of(row, 0)] = place_of(row, 3);
		for (const Place &place : gone_)
			wholes_.insert(whole_of(place));
	}

	Step &step_at(const Place &object, int rank)
	{
		const auto [found, is_new] = places_.emplace(std::pair(object, rank), steps_.size());

		if (is_new)
			steps_.push_back({object, rank, {}, {}});
		return steps_[found->second];
	}

	void read_steps()
	{
		std::vector<Definer> definers;
		std::vector<std::pair<Place, std::string>> same;

		add_other_definers(definers);
		add_table_definers(definers);
		add_part_definers(definers);
		add_note_definers(definers);
		for (Definer definer : definers)
			for (const pg::Row &row : ask(definer))
			{
				const Place object = whole_of(place_of(row, 0));
				const int rank = std::stoi(row[3].value_or("0"));
				if (rank == 0)
					same.emplace_back(object, row[4].value_or(""));
				else
					step_at(object, rank).statements.push_back(row[4].value_or(""));
			}
		for (auto &[object, sql] : same)
			if (const auto found = first_of(object); found != places_.end())
				steps_[found->second].statements.push_back(std::move(sql));
	}

	std::map<std::pair<Place, int>, size_t>::const_iterator first_of(const Place &object) const
	{
		const auto found = places_.lower_bound({object, 0});

		return found != places_.end() && found->first.first == object ? found : places_.end();
	}

	// An object is written if it has a step that makes it: privileges and comments alone do not.
	void find_unwritten(Definitions &result) const
	{
		constexpr int least_of_notes = 200;
		std::map<Place, std::string> reasons;

		for (const pg::Row &row : ask(reasons_sql))
			reasons[place_of(row, 0)] = row[3].value_or("");
		for (const Place &object : wholes_)
		{
			const auto first = first_of(object);
			const auto reason = reasons.find(object);
			if (first == places_.end() || first->first.second >= least_of_notes)
				result.unwritten.push_back(title_of(object) +
										   (reason != reasons.end() ? ", as " + reason->second : ""));
		}
		for (const pg::Row &row : ask(subscribed_sql))
			result.unwritten.push_back(title_of(place_of(row, 0)) + ", as a subscription fills it");
	}

	// Each object after what it depends on, and its own steps one after the other. A sequence is owned by a column that needs it.
	void link()
	{
		for (auto one = places_.begin(); one != places_.end(); ++one)
			if (const auto next = std::next(one); next != places_.end() && next->first.first == one->first.first)
				steps_[next->second].after.insert(one->second);
		for (const auto &[part, other, type] : links_)
		{
			const Place object = whole_of(part);
			const Place needed = whole_of(other);
			const auto from = type == DEPENDENCY_AUTO && places_.count({object, std::stoi(MG_RANK_OWNED_BY)}) > 0
								  ? places_.find({object, std::stoi(MG_RANK_OWNED_BY)})
								  : first_of(object);
			const auto to = first_of(needed);
			if (object != needed && from != places_.end() && to != places_.end())
				steps_[from->second].after.insert(to->second);
		}
	}

	void put_in_order(Definitions &result)
	{
		std::set<std::pair<int, size_t>> ready;
		std::vector<size_t> waits(steps_.size(), 0);
		std::vector<std::vector<size_t>> before(steps_.size());
		size_t done = 0;

		for (size_t i = 0; i < steps_.size(); i++)
		{
			waits[i] = steps_[i].after.size();
			for (size_t other : steps_[i].after)
				before[other].push_back(i);
			if (waits[i] == 0)
				ready.emplace(steps_[i].rank, i);
		}
		for (; !ready.empty(); done++)
		{
			const size_t i = ready.begin()->second;
			ready.erase(ready.begin());
			for (const std::string &sql : steps_[i].statements)
				if (!sql.empty())
					result.statements.push_back(sql);
			for (size_t next : before[i])
				if (--waits[next] == 0)
					ready.emplace(steps_[next].rank, next);
		}
		for (size_t i = 0; done < steps_.size() && i < steps_.size(); i++)
			if (waits[i] > 0 && first_of(steps_[i].object)->second == i)
				result.unwritten.push_back(title_of(steps_[i].object) + ", as what it needs needs it");
	}

	// Those that come along with another one are not named.
	void name_objects(Definitions &result) const
	{
		std::set<Place> named = wholes_;

		for (const auto &[part, other, type] : links_)
			if (type != DEPENDENCY_NORMAL && whole_of(part) != whole_of(other))
				named.erase(whole_of(part));
		for (const Place &object : named)
			result.objects.push_back(title_of(object));
		result.has_routines = std::any_of(wholes_.begin(), wholes_.end(), [](const Place &object) {
			return std::get<0>(object) == ProcedureRelationId;
		});
	}

	struct Link
	{
		Place part;
		Place other;
		char type;
	};

	std::set<Place> gone_;
	std::vector<pg::Cell> params_;
	std::vector<Link> links_;
	std::map<Place, Place> part_of_;
	std::set<Place> wholes_;
	std::vector<Step> steps_;
	std::map<std::pair<Place, int>, size_t> places_; // of steps, by object and rank
};

} // namespace

Definitions
definitions_of(const std::vector<ObjectAddress> &gone)
{
	const PlainSettings plain;

	return Plan(gone).write();
}

} // namespace mg::schema
