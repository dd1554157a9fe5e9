// Matches names by hand: a regular expression would recurse and explain nothing.
#include "core/naming.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "core/error.hpp"
#include "core/text.hpp"

namespace mg {

namespace {

constexpr std::size_t stamp_digits = 14;
constexpr std::size_t date_digits = 8;
constexpr std::size_t min_sequence_digits = 3;
constexpr std::size_t max_sequence_digits = 18;
constexpr std::size_t max_slug_bytes = 120;

// Reads digits that the caller has counted and checked.
std::uint64_t
number(std::string_view digits) noexcept
{
	std::uint64_t value = 0;

	for (const char c : digits)
		value = value * 10 + static_cast<std::uint64_t>(c - '0');
	return value;
}

// Says whether a text is one to eighteen digits, which always fit 64 bits.
bool
is_number(std::string_view text) noexcept
{
	return !text.empty() && text.size() <= max_sequence_digits && std::all_of(text.begin(), text.end(), is_digit);
}

// Writes a number with leading zeros.
std::string
padded(std::uint64_t value, std::size_t width)
{
	std::string digits = std::to_string(value);

	return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

// Gives the days of a month in the Gregorian calendar.
std::uint64_t
days_in_month(std::uint64_t year, std::uint64_t month) noexcept
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Says whether eight digits are a day of the calendar.
bool
is_date(std::string_view digits) noexcept
{
	if (digits.size() != date_digits || !is_number(digits))
		return false;

	const std::uint64_t year = number(digits.substr(0, 4));
	const std::uint64_t month = number(digits.substr(4, 2));
	const std::uint64_t day = number(digits.substr(6, 2));

	return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

// Says whether fourteen digits are a day of the calendar and a time of the day.
bool
is_stamp(std::string_view digits) noexcept
{
	return digits.size() == stamp_digits && is_number(digits) && is_date(digits.substr(0, date_digits)) &&
		   number(digits.substr(8, 2)) < 24 && number(digits.substr(10, 2)) < 60 && number(digits.substr(12, 2)) < 60;
}

// Counts the digits at the beginning of a text.
std::size_t
leading_digits(std::string_view text) noexcept
{
	return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

// Checks what every convention asks of a name.
std::optional<std::string>
check_any(std::string_view name)
{
	const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
	const auto same_letter = [](char a, char b) { return to_lower(a) == to_lower(b); };

	if (name.empty())
		return "The name is empty.";
	if (name.size() > max_name_bytes)
		return "The name has " + std::to_string(name.size()) + " bytes, more than " + std::to_string(max_name_bytes) +
			   ".";
	if (std::any_of(name.begin(), name.end(), is_control))
		return "The name contains a control character.";
	if (is_blank(name.front()) || is_blank(name.back()))
		return "The name begins or ends with a blank.";
	if (boost::algorithm::ends_with(name, ".sql", same_letter))
		return "The name ends in \".sql\"; a suffix belongs to the file, not to the migration.";
	return std::nullopt;
}

// Checks a description; loose allows upper-case letters and hyphens as well.
std::optional<std::string>
check_description(std::string_view text, bool loose)
{
	const auto is_allowed = [loose](char c) {
		return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || (loose && (is_letter(c) || c == '-'));
	};

	if (text.empty())
		return "The description is missing.";
	if (!std::all_of(text.begin(), text.end(), is_allowed))
		return loose ? "The description may contain only ASCII letters, digits, underscores and hyphens."
					 : "The description may contain only lower-case ASCII letters, digits and underscores.";
	if (std::none_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); }))
		return "The description contains no letter or digit.";
	return std::nullopt;
}

// Checks a running number at the beginning of a text; where names the place for the message.
std::optional<std::string>
check_number(std::string_view text, const std::string &where)
{
	const std::size_t digits = leading_digits(text);

	if (digits < min_sequence_digits || digits > max_sequence_digits)
		return where + " does not begin with a number of at least three digits" +
			   (digits > max_sequence_digits ? " and at most eighteen." : ".");
	if (digits == text.size() || text[digits] != '_')
		return "The number \"" + std::string(text.substr(0, digits)) + "\" is not followed by an underscore.";
	return std::nullopt;
}

// Checks NNN_description.
std::optional<std::string>
check_sequence(std::string_view name)
{
	if (auto reason = check_number(name, "The name"))
		return reason;
	return check_description(name.substr(leading_digits(name) + 1), false);
}

// Checks the time that begins a name and the underscore after it.
std::optional<std::string>
check_stamp(std::string_view name)
{
	if (leading_digits(name) != stamp_digits)
		return "The name does not begin with a time of fourteen digits (YYYYMMDDHHMMSS).";
	if (!is_stamp(name.substr(0, stamp_digits)))
		return "\"" + std::string(name.substr(0, stamp_digits)) + "\" is not a valid date and time.";
	if (name.size() == stamp_digits || name[stamp_digits] != '_')
		return "The time is not followed by an underscore.";
	return std::nullopt;
}

// Checks YYYYMMDDHHMMSS_description.
std::optional<std::string>
check_timestamp(std::string_view name)
{
	if (auto reason = check_stamp(name))
		return reason;
	return check_description(name.substr(stamp_digits + 1), true);
}

// Checks YYYYMMDDHHMMSS_type_description.
std::optional<std::string>
check_typed_timestamp(std::string_view name)
{
	if (auto reason = check_stamp(name))
		return reason;

	const std::string_view rest = name.substr(stamp_digits + 1);
	const std::size_t underscore = rest.find('_');

	if (!is_migration_kind(rest.substr(0, underscore)))
		return "The time is not followed by one of the types " +
			   boost::algorithm::join(std::vector<std::string>(migration_kinds.begin(), migration_kinds.end()), ", ") +
			   ".";
	if (underscore == std::string_view::npos)
		return "The description is missing.";
	return check_description(rest.substr(underscore + 1), false);
}

// Checks YYYYMMDD_NNN_description.
std::optional<std::string>
check_date_sequence(std::string_view name)
{
	if (leading_digits(name) != date_digits)
		return "The name does not begin with a date of eight digits (YYYYMMDD).";
	if (!is_date(name.substr(0, date_digits)))
		return "\"" + std::string(name.substr(0, date_digits)) + "\" is not a valid date.";
	if (name.size() == date_digits || name[date_digits] != '_')
		return "The date is not followed by an underscore.";

	const std::string_view rest = name.substr(date_digits + 1);

	if (auto reason = check_number(rest, "What follows the date"))
		return reason;
	return check_description(rest.substr(leading_digits(rest) + 1), false);
}

// Makes a description out of any text: ASCII letters lowered, digits kept, everything else one underscore.
std::string
slug(std::string_view text)
{
	std::string result;

	for (const char c : text)
	{
		if (result.size() >= max_slug_bytes)
			break;
		if (is_letter(c) || is_digit(c))
			result.push_back(to_lower(c));
		else if (!result.empty() && result.back() != '_')
			result.push_back('_');
	}
	while (!result.empty() && result.back() == '_')
		result.pop_back();
	return result.empty() ? "migration" : result;
}

// Gives the time one second after a valid one.
std::string
next_second(std::string_view stamp)
{
	std::uint64_t parts[] = {number(stamp.substr(0, 4)), number(stamp.substr(4, 2)),  number(stamp.substr(6, 2)),
							 number(stamp.substr(8, 2)), number(stamp.substr(10, 2)), number(stamp.substr(12, 2))};
	auto &[year, month, day, hour, minute, second] = parts;

	if (++second == 60)
	{
		second = 0;
		minute++;
	}
	if (minute == 60)
	{
		minute = 0;
		hour++;
	}
	if (hour == 24)
	{
		hour = 0;
		day++;
	}
	if (day > days_in_month(year, month))
	{
		day = 1;
		month++;
	}
	if (month > 12)
	{
		month = 1;
		year++;
	}
	return padded(year, 4) + padded(month, 2) + padded(day, 2) + padded(hour, 2) + padded(minute, 2) +
		   padded(second, 2);
}

// Gives the time for a new name: now, or a second after the last one when that is not in the past.
std::string
stamp_after(std::string_view last, std::string_view now)
{
	return is_stamp(last) && last >= now && last.substr(0, 4) != "9999" ? next_second(last) : std::string(now);
}

// Gives the next running number, as wide as the last one.
std::string
sequence_after(std::string_view last)
{
	if (!is_number(last))
		return padded(1, min_sequence_digits);
	return padded(number(last) + 1, std::max(last.size(), min_sequence_digits));
}

// Gives date and number for a new name: today's first, or the number after the last when that is of today or later.
std::string
date_sequence_after(std::string_view last, std::string_view today)
{
	const std::string_view date = last.substr(0, date_digits);

	if (last.size() <= date_digits || last[date_digits] != '_' || !is_date(date) || date < today)
		return std::string(today) + "_" + sequence_after("");
	return std::string(date) + "_" + sequence_after(last.substr(date_digits + 1));
}

// Cuts the first part off a version: what stands before the next underscore.
std::string_view
take_part(std::string_view &version) noexcept
{
	const std::size_t underscore = version.find('_');
	const std::string_view part = version.substr(0, underscore);

	version.remove_prefix(underscore == std::string_view::npos ? version.size() : underscore + 1);
	return part.substr(std::min(part.find_first_not_of('0'), part.size()));
}

} // namespace

const Convention *
find_convention(std::string_view name) noexcept
{
	const auto *found = std::find_if(conventions.begin(), conventions.end(),
									 [name](const Convention &convention) { return convention.name == name; });

	return found == conventions.end() ? nullptr : found;
}

std::string
convention_names()
{
	std::vector<std::string> names;

	names.reserve(conventions.size());
	for (const Convention &convention : conventions)
		names.emplace_back(convention.name);
	return boost::algorithm::join(names, ", ");
}

bool
is_migration_kind(std::string_view word) noexcept
{
	return std::find(migration_kinds.begin(), migration_kinds.end(), word) != migration_kinds.end();
}

std::optional<std::string>
check_name(const Convention &convention, std::string_view name)
{
	if (auto reason = check_any(name))
		return reason;
	switch (convention.shape)
	{
		case NameShape::free:
			return std::nullopt;
		case NameShape::sequence:
			return check_sequence(name);
		case NameShape::timestamp:
			return check_timestamp(name);
		case NameShape::typed_timestamp:
			return check_typed_timestamp(name);
		case NameShape::date_sequence:
			return check_date_sequence(name);
	}
	return "The naming convention is unknown.";
}

std::string
version_of(const Convention &convention, std::string_view name)
{
	if (convention.shape == NameShape::free || check_name(convention, name))
		return {};

	std::size_t end = name.find('_');

	if (convention.shape == NameShape::date_sequence)
		end = name.find('_', end + 1);
	return std::string(name.substr(0, end));
}

int
compare_versions(std::string_view left, std::string_view right) noexcept
{
	while (!left.empty() || !right.empty())
	{
		const std::string_view a = take_part(left);
		const std::string_view b = take_part(right);

		if (a.size() != b.size())
			return a.size() < b.size() ? -1 : 1;
		if (const int order = a.compare(b); order != 0)
			return order;
	}
	return 0;
}

std::string
next_name(const Convention &convention, std::string_view kind, std::string_view description,
		  std::string_view last_version, std::string_view now)
{
	if (!is_stamp(now))
		throw UserError("22023", "invalid time for a migration name: \"" + shorten(now, 40) + "\"")
			.detail("A time is written YYYYMMDDHHMMSS.");

	switch (convention.shape)
	{
		case NameShape::free:
			break;
		case NameShape::sequence:
			return sequence_after(last_version) + "_" + slug(description);
		case NameShape::timestamp:
			return stamp_after(last_version, now) + "_" + slug(description);
		case NameShape::typed_timestamp:
			if (!is_migration_kind(kind))
				throw UserError("22023", "unknown kind of migration: \"" + shorten(kind, 40) + "\"")
					.hint("Kinds are create, alter, drop, seed and fix.");
			return stamp_after(last_version, now) + "_" + std::string(kind) + "_" + slug(description);
		case NameShape::date_sequence:
			return date_sequence_after(last_version, now.substr(0, date_digits)) + "_" + slug(description);
	}
	return slug(description);
}

std::uint64_t
gap_after(const Convention &convention, std::string_view last_version, std::string_view version) noexcept
{
	if (convention.shape != NameShape::sequence || !is_number(last_version) || !is_number(version))
		return 0;

	const std::uint64_t last = number(last_version);
	const std::uint64_t next = number(version);

	return next > last ? next - last - 1 : 0;
}

std::string
sort_key_of(std::string_view version)
{
	constexpr std::size_t width = 20;
	std::string key;

	for (std::size_t at = 0; at < version.size();)
	{
		std::size_t end = at;
		while (end < version.size() && is_digit(version[end]))
			end++;
		if (end - at < width && end > at)
			key.append(width - (end - at), '0');
		key.append(version.substr(at, end - at));
		if (end < version.size())
			key += version[end++];
		at = end;
	}
	return key;
}

} // namespace mg
