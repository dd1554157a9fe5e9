// Cuts text where the server says that characters end.
#include "pg/text.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace mg::pg {

std::string
excerpt(std::string_view text, std::size_t max_bytes)
{
	/* Blanks are squeezed first, so more than max_bytes may be needed; nobody wants to look through 10 MB for them. */
	std::string line =
		shorten(text.substr(0, character_start(text, std::min(text.size(), 4 * max_bytes))), std::string::npos / 2);
	bool whole = line.size() <= max_bytes && text.size() <= 4 * max_bytes;

	if (whole)
		return line;
	std::size_t length = character_start(line, std::min(line.size(), max_bytes));
	return std::string(trim(std::string_view(line).substr(0, length))) + "...";
}

std::size_t
character_start(std::string_view text, std::size_t offset)
{
	return guarded([&] {
		return static_cast<std::size_t>(
			pg_mbcliplen(text.data(), static_cast<int>(text.size()), static_cast<int>(offset)));
	});
}

std::string
size_text(int64_t bytes)
{
	return guarded(
		[&] { return text_to_cstring(DatumGetTextPP(DirectFunctionCall1(pg_size_pretty, Int64GetDatum(bytes)))); });
}

std::string
quoted_identifier(const std::string &name)
{
	return guarded([&] { return quote_identifier(name.c_str()); });
}

std::string
quoted_literal(const std::string &value)
{
	return guarded([&] { return quote_literal_cstr(value.c_str()); });
}

std::string
span_text(int64_t us)
{
	constexpr int64_t second = 1000 * 1000;

	if (us >= 10 * second)
		us -= us % second;
	return guarded([&] {
		auto *span = static_cast<Interval *>(palloc0(sizeof(Interval)));
		span->time = us;
		Datum justified = DirectFunctionCall1(interval_justify_hours, IntervalPGetDatum(span));
		return DatumGetCString(DirectFunctionCall1(interval_out, justified));
	});
}

} // namespace mg::pg
