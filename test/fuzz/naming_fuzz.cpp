// Compares the hand-written matcher with regular expressions and the C library's calendar, and checks what next_name makes.
#include <ctime>
#include <regex>

#include <fuzzer/FuzzedDataProvider.h>

#include "check.hpp"
#include "core/naming.hpp"

using namespace mg;

namespace {

// Says whether the C library gives the same day back.
bool
is_day(const std::string &digits)
{
	std::tm day = {};

	day.tm_year = std::stoi(digits.substr(0, 4)) - 1900;
	day.tm_mon = std::stoi(digits.substr(4, 2)) - 1;
	day.tm_mday = std::stoi(digits.substr(6, 2));

	const std::tm asked = day;

	timegm(&day);
	return digits.substr(0, 4) != "0000" && day.tm_year == asked.tm_year && day.tm_mon == asked.tm_mon &&
		   day.tm_mday == asked.tm_mday;
}

// Says whether six digits are a time of the day.
bool
is_time(const std::string &digits)
{
	return std::stoi(digits.substr(0, 2)) < 24 && std::stoi(digits.substr(2, 2)) < 60 &&
		   std::stoi(digits.substr(4, 2)) < 60;
}

// Decides whether a name fits, in another way than the code under test.
bool
should_fit(NameShape shape, const std::string &name)
{
	static const std::regex impossible("^$|^[ ]|[ ]$|[\\x00-\\x1f\\x7f]|\\.[sS][qQ][lL]$");
	static const std::regex sequence("[0-9]{3,18}_[a-z0-9_]*[a-z0-9][a-z0-9_]*");
	static const std::regex timestamp("[0-9]{14}_[A-Za-z0-9_-]*[A-Za-z0-9][A-Za-z0-9_-]*");
	static const std::regex typed("[0-9]{14}_(create|alter|drop|seed|fix)_[a-z0-9_]*[a-z0-9][a-z0-9_]*");
	static const std::regex dated("[0-9]{8}_[0-9]{3,18}_[a-z0-9_]*[a-z0-9][a-z0-9_]*");

	if (name.size() > 200 || name.find('\0') != std::string::npos || std::regex_search(name, impossible))
		return false;
	switch (shape)
	{
		case NameShape::free:
			return true;
		case NameShape::sequence:
			return std::regex_match(name, sequence);
		case NameShape::timestamp:
			return std::regex_match(name, timestamp) && is_day(name) && is_time(name.substr(8));
		case NameShape::typed_timestamp:
			return std::regex_match(name, typed) && is_day(name) && is_time(name.substr(8));
		case NameShape::date_sequence:
			return std::regex_match(name, dated) && is_day(name);
	}
	return false;
}

// Makes a name that nearly fits, or any bytes.
std::string
some_name(FuzzedDataProvider &input)
{
	static const char *const pieces[] = {"20240229", "20250131", "093000", "235959", "036",  "_", "_001_",
										 "_create_", "fix",      "x",      "-",      ".sql", "9"};
	std::string name;

	for (int i = input.ConsumeIntegralInRange<int>(0, 6); i > 0; i--)
		name += input.ConsumeBool() ? std::string(input.PickValueInArray(pieces)) : input.ConsumeRandomLengthString(16);
	return name;
}

// Checks one name against one convention.
void
check_one(const Convention &convention, const std::string &name)
{
	const auto reason = check_name(convention, name);
	const std::string version = version_of(convention, name);

	CHECK(reason.has_value() != should_fit(convention.shape, name));
	CHECK(version.empty() == (reason.has_value() || convention.shape == NameShape::free));
	CHECK(name.compare(0, version.size(), version) == 0);
	CHECK(version.empty() || name[version.size()] == '_');
	CHECK(!reason || (reason->size() > 10 && reason->back() == '.'));
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	const Convention &convention = input.PickValueInArray(conventions);
	const std::string name = some_name(input);
	const std::string other = some_name(input);
	const std::string last = version_of(convention, name);

	check_one(convention, name);
	check_one(convention, other);
	CHECK((compare_versions(name, other) < 0) == (compare_versions(other, name) > 0));
	CHECK(compare_versions(name, name) == 0);
	CHECK(gap_after(convention, name, other) == 0 || gap_after(convention, other, name) == 0);

	const std::string next =
		next_name(convention, input.PickValueInArray(migration_kinds), input.ConsumeRandomLengthString(300),
				  input.ConsumeBool() ? last : other, "20250131093000");

	CHECK(!check_name(convention, next));
	if (!last.empty() && last.compare(0, 4, "9999") != 0 && last.size() < 18)
	{
		const std::string after = next_name(convention, "fix", other, last, "20250131093000");

		CHECK(compare_versions(version_of(convention, after), last) > 0);
		CHECK(gap_after(convention, last, version_of(convention, after)) == 0);
	}
	return 0;
}
