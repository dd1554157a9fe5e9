// Properties of header comments that hold for any script, and of templates for any values.
#include <set>

#include <fuzzer/FuzzedDataProvider.h>

#include "check.hpp"
#include "core/headers.hpp"
#include "core/migration_template.hpp"
#include "core/naming.hpp"
#include "core/text.hpp"

using namespace mg;

namespace {

// Says whether two lists of headers are the same.
bool
same(const std::vector<Header> &left, const std::vector<Header> &right)
{
	if (left.size() != right.size())
		return false;
	for (std::size_t i = 0; i < left.size(); i++)
		if (left[i].key != right[i].key || left[i].value != right[i].value)
			return false;
	return true;
}

// Checks the headers of one script.
void
check_script(std::string_view script)
{
	const std::vector<Header> headers = parse_headers(script);
	const std::string_view text = without_bom(script);
	std::set<std::string> keys;

	for (const Header &header : headers)
	{
		CHECK(!header.key.empty() && header.key.size() <= 40);
		CHECK(header_key(header.key) == header.key);
		CHECK(keys.insert(header.key).second);
		CHECK(trim(header.value) == header.value);
		CHECK(header.value.find('\r') == std::string::npos);
		CHECK(header_value(headers, header.key) == header.value);
		if (header.value.find('\n') == std::string::npos)
			CHECK(same(parse_headers("-- " + header.key + ": " + header.value), {header}));
	}
	CHECK(same(parse_headers(normalise_line_ends(script)), headers));
	CHECK(same(parse_headers(text.substr(0, skip_blank_and_comments(text, 0))), headers));
	CHECK(same(parse_headers("select 1;" + std::string(script)), {}));
}

// Checks that no value leaves its comment.
void
check_template(FuzzedDataProvider &input)
{
	TemplateRequest request;

	request.kind = input.PickValueInArray(migration_kinds);
	request.name = input.ConsumeRandomLengthString(40);
	request.description = input.ConsumeRandomLengthString(40);
	request.author = input.ConsumeRandomLengthString(40);
	request.ticket = input.ConsumeRandomLengthString(40);
	request.date = input.ConsumeRandomLengthString(40);

	const MigrationTemplate scripts = write_template(request);

	for (const std::string &script : {scripts.up, scripts.down})
	{
		CHECK(trim_statement(script).empty());
		CHECK(parse_headers(script).size() == 5);
		CHECK(header_value(parse_headers(script), "Author") == shorten(request.author, 1000));
	}
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);

	if (input.ConsumeBool())
		check_template(input);
	check_script(input.ConsumeRemainingBytesAsString());
	return 0;
}
