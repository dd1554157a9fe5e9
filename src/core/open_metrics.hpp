// Writes OpenMetrics 1.0, the text that Prometheus and others scrape (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mg {

class OpenMetrics
{
public:
	using Labels = std::vector<std::pair<std::string, std::string>>;

	// Begins a family: type is gauge, counter or histogram; a unit (seconds, bytes) must end the name; "" for none. The caller keeps names
	// unique, and the samples of a family together.
	void family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help);
	// Adds a sample of that family, whose value is a number already; a counter's suffix is "_total".
	void sample(std::string_view suffix, const Labels &labels, std::string_view value);

	// The whole exposition, which ends with "# EOF" and no line end, as the format allows: whoever prints it as a line adds one.
	std::string str() const { return text_ + "# EOF"; }

private:
	std::string name_;
	std::string text_;
};

} // namespace mg
