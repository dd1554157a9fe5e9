// Packs records as counted strings: NUMBER ":" BYTES.
#include "ledger/parcel.hpp"

#include <map>

#include "ledger/alert.hpp"
#include "ledger/history.hpp"

namespace mg::ledger {

namespace {

void
put(std::string &out, std::string_view text)
{
	out += std::to_string(text.size());
	out += ':';
	out += text;
}

std::string
take(std::string_view &in)
{
	std::size_t colon = in.find(':');
	std::size_t length = std::stoul(std::string(in.substr(0, colon)));
	std::string text(in.substr(colon + 1, length));

	in.remove_prefix(colon + 1 + length);
	return text;
}

// Tells whether a script or the newest registration of a migration says the same already.
bool
is_known(Table table, const Fields &fields)
{
	std::map<std::string, pg::Cell> by_name(fields.begin(), fields.end());

	if (table == Table::script)
		return query_cell("SELECT 1 FROM mg.script WHERE checksum = $1 LIMIT 1", {by_name["checksum"]}).has_value();
	if (table != Table::registration)
		return false;
	std::optional<Registration> newest = find_registration(by_name["migration"].value_or(""));
	return newest.has_value() && newest->up == by_name["up"] && newest->down == by_name["down"] &&
		   newest->verify == by_name["verify"] && newest->precondition == by_name["precondition"] &&
		   pg::array_literal(newest->requirements) == by_name["requires"];
}

} // namespace

std::string
pack(const Parcel &parcel)
{
	std::string out;

	for (const auto &[table, fields] : parcel)
	{
		put(out, std::to_string(static_cast<int>(table)));
		put(out, std::to_string(fields.size()));
		for (const auto &[column, cell] : fields)
		{
			put(out, column);
			put(out, cell.has_value() ? "1" : "0");
			put(out, cell.value_or(""));
		}
	}
	return out;
}

Parcel
unpack(std::string_view text)
{
	Parcel parcel;

	while (!text.empty())
	{
		auto table = static_cast<Table>(std::stoi(take(text)));
		std::size_t count = std::stoul(take(text));
		Fields fields;

		for (std::size_t i = 0; i < count; i++)
		{
			std::string column = take(text);
			bool present = take(text) == "1";
			std::string value = take(text);
			fields.emplace_back(std::move(column), present ? pg::Cell(std::move(value)) : pg::Cell());
		}
		parcel.emplace_back(table, std::move(fields));
	}
	return parcel;
}

void
write_parcel(std::string_view text)
{
	constexpr int tries = 30;
	const Place &where = place();

	const Parcel parcel = unpack(text);
	for (const auto &[table, fields] : parcel)
	{
		Table which = table;
		bool is_free = true;
		for (int i = 0; !pg::guarded([&] { return lock_for_insert_raw(where, which); }); i++)
		{
			/* An alert of what is on record is not worth losing the record. */
			is_free = i < tries;
			if (!is_free && which == Table::alert && parcel.size() > 1)
				break;
			if (!is_free)
				throw UserError("55P03", "the ledger is locked");
			pg::guarded([] {
				pg_usleep(100000L);
				CHECK_FOR_INTERRUPTS();
			});
		}
		if (!is_free)
			continue;
		if (table == Table::alert)
			append_alert(fields);
		else if (!is_known(table, fields))
			append(table, fields);
	}
}

} // namespace mg::ledger
