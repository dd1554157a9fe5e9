// Severities, by word.
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "lint/lint.hpp"
#include "lint/rule.hpp"

namespace mg::lint {

namespace {

bool
is_group(const std::string &name)
{
	for (const Rule &rule : rules())
		if (name == rule.group)
			return true;
	return false;
}

} // namespace

Severity
severity_by(const std::string &word)
{
	for (Severity severity : {Severity::off, Severity::info, Severity::warning, Severity::error})
		if (word == word_of(severity))
			return severity;
	throw UserError("22023", "\"" + word + "\" is no severity").hint("It is off, info, warning or error.");
}

const char *
word_of(Severity severity)
{
	switch (severity)
	{
		case Severity::error:
			return "error";
		case Severity::warning:
			return "warning";
		case Severity::info:
			return "info";
		case Severity::off:
			break;
	}
	return "off";
}

const char *
word_of(Work work)
{
	switch (work)
	{
		case Work::scan:
			return "scan";
		case Work::rewrite:
			return "rewrite";
		case Work::build:
			return "index build";
		case Work::none:
			break;
	}
	return "";
}

Severity
severity_of(const Rule &rule, const Severities &severities)
{
	for (const char *name : {rule.name, rule.group})
		if (auto own = severities.find(name); own != severities.end())
			return own->second;
	return rule.severity;
}

Severities
severities_of(const std::string &text)
{
	Severities result;
	std::vector<std::string> parts;

	boost::algorithm::split(parts, text, boost::algorithm::is_any_of(","));
	for (const std::string &part : parts)
	{
		if (boost::algorithm::trim_copy(part).empty())
			continue;
		const size_t equals = part.find('=');
		const std::string name = boost::algorithm::trim_copy(part.substr(0, equals));
		if (equals == std::string::npos)
			throw UserError("22023", "\"" + name + "\" is given no severity").hint("Write " + name + "=error.");
		if (rule_of(name) == nullptr && !is_group(name))
			throw UserError("22023", "\"" + name + "\" is no rule of the linter, and no group of rules")
				.hint("mg_lint_rules() lists them.");
		result[name] = severity_by(boost::algorithm::trim_copy(part.substr(equals + 1)));
	}
	return result;
}

} // namespace mg::lint
