// Reads windows, and asks the server what a clock in a time zone shows.
#include "policy/window.hpp"

#include <array>
#include <cstdio>
#include <optional>

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "core/text.hpp"
#include "ledger/store.hpp"

namespace mg::policy {

namespace {

constexpr std::array<const char *, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr int day_minutes = 24 * 60;

[[noreturn]] void
refuse(const std::string &part, const std::string &what)
{
	throw UserError("22023", "\"" + part + "\" " + what)
		.hint("A window is like Mon-Fri 22:00-06:00 Europe/Berlin, a freeze like 2026-12-20 00:00 to 2027-01-04 00:00 "
			  "Europe/Berlin; more of them stand behind a semicolon.");
}

std::vector<std::string>
parts_of(const std::string &text)
{
	std::vector<std::string> parts;
	std::vector<std::string> result;

	boost::algorithm::split(parts, text, boost::algorithm::is_any_of(";"));
	for (const std::string &part : parts)
		if (!trim(part).empty())
			result.emplace_back(trim(part));
	return result;
}

std::vector<std::string>
words_of(const std::string &part)
{
	std::vector<std::string> words;

	boost::algorithm::split(words, part, boost::algorithm::is_space(), boost::algorithm::token_compress_on);
	return words;
}

// Raises 22023 for a zone that the server does not know. Abbreviations are none: what they mean is a setting of the session.
pg_tz *
zone_of(const std::string &name)
{
	pg_tz *zone = pg::guarded([&] { return name.size() <= TZ_STRLEN_MAX ? pg_tzset(name.c_str()) : nullptr; });

	if (zone == nullptr)
		throw UserError("22023", "time zone \"" + name + "\" is not known")
			.hint("SELECT name FROM pg_timezone_names tells those that are.");
	return zone;
}

TimestampTz
at_zone(const std::string &name, Timestamp local)
{
	pg_tz *zone = zone_of(name);

	return pg::guarded([&] {
		struct pg_tm tm;
		fsec_t fraction;
		TimestampTz result;

		if (timestamp2tm(local, nullptr, &tm, &fraction, nullptr, nullptr) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
		int offset = DetermineTimeZoneOffset(&tm, zone);
		if (tm2timestamp(&tm, fraction, &offset, &result) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
		return result;
	});
}

// What a clock in a zone shows.
struct Clock
{
	int day;
	int minute;
};

Clock
local_time(const std::string &name, TimestampTz moment)
{
	pg_tz *zone = zone_of(name);

	return pg::guarded([&] {
		struct pg_tm tm;
		fsec_t fraction;
		int offset;

		if (timestamp2tm(moment, &offset, &tm, &fraction, nullptr, zone) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
		return Clock{j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday)), tm.tm_hour * 60 + tm.tm_min};
	});
}

std::optional<int>
day_in(const std::string &word)
{
	for (size_t i = 0; i < days.size(); i++)
		if (boost::algorithm::iequals(word, days[i]))
			return static_cast<int>(i);
	return std::nullopt;
}

std::optional<int>
minutes_in(const std::string &word)
{
	const bool is_fine = word.size() == 5 && word[2] == ':' && is_digit(word[0]) && is_digit(word[1]) &&
						 is_digit(word[3]) && is_digit(word[4]);

	if (!is_fine)
		return std::nullopt;
	const int hours = (word[0] - '0') * 10 + word[1] - '0';
	const int minutes = (word[3] - '0') * 10 + word[4] - '0';
	const int result = hours * 60 + minutes;
	return minutes < 60 && result <= day_minutes ? std::optional(result) : std::nullopt;
}

// The two ends of "a-b", or "a" for both.
std::pair<std::string, std::string>
ends_of(const std::string &word)
{
	const size_t dash = word.find('-');

	return dash == std::string::npos ? std::pair(word, word) : std::pair(word.substr(0, dash), word.substr(dash + 1));
}

bool
has_day(const Window &window, int day)
{
	return window.first_day <= window.last_day ? day >= window.first_day && day <= window.last_day
											   : day >= window.first_day || day <= window.last_day;
}

} // namespace

std::vector<Window>
windows_in(const std::string &text)
{
	std::vector<Window> result;

	for (const std::string &part : parts_of(text))
	{
		const std::vector<std::string> words = words_of(part);
		if (words.size() < 2 || words.size() > 3)
			refuse(part, "is no maintenance window");
		const auto [first, last] = ends_of(words[0]);
		const auto [begin, end] = ends_of(words[1]);
		const std::optional<int> numbers[] = {day_in(first), day_in(last), minutes_in(begin), minutes_in(end)};
		if (!numbers[0].has_value() || !numbers[1].has_value())
			refuse(part, "does not begin with days of the week");
		if (!numbers[2].has_value() || !numbers[3].has_value() || *numbers[2] == *numbers[3] ||
			*numbers[2] == day_minutes)
			refuse(part, "has no time of the day from and to");
		Window window = {*numbers[0], *numbers[1], *numbers[2], *numbers[3], words.size() == 3 ? words[2] : "UTC"};
		(void)at_zone(window.zone, 0);
		result.push_back(std::move(window));
	}
	return result;
}

bool
is_open(const Window &window, TimestampTz moment)
{
	const auto [day, minute] = local_time(window.zone, moment);

	if (window.begin < window.end)
		return has_day(window, day) && minute >= window.begin && minute < window.end;
	return (has_day(window, day) && minute >= window.begin) || (has_day(window, (day + 6) % 7) && minute < window.end);
}

std::vector<Freeze>
freezes_in(const std::string &text)
{
	std::vector<Freeze> result;

	for (const std::string &part : parts_of(text))
	{
		const std::vector<std::string> words = words_of(part);
		if (words.size() < 5 || words.size() > 6 || words[2] != "to")
			refuse(part, "is no freeze");
		const std::string zone = words.size() == 6 ? words[5] : "UTC";
		auto moment = [&](const std::string &day, const std::string &time) {
			Timestamp local = pg::guarded([&] {
				return DatumGetTimestamp(DirectFunctionCall3(timestamp_in, CStringGetDatum((day + " " + time).c_str()),
															 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
			});
			return at_zone(zone, local);
		};
		Freeze freeze = {moment(words[0], words[1]), moment(words[3], words[4])};
		if (freeze.end <= freeze.begin)
			refuse(part, "ends before it begins");
		result.push_back(freeze);
	}
	return result;
}

std::string
clock_in(const std::string &zone, TimestampTz moment)
{
	const auto [day, minute] = local_time(zone, moment);
	char shown[16];

	std::snprintf(shown, sizeof(shown), "%s %02d:%02d", days[static_cast<size_t>(day)], minute / 60, minute % 60);
	return shown;
}

} // namespace mg::policy
