// Writes Markdown that any reader takes, whatever is in the texts that go into it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mg {

// Text within a line that stands for itself; line ends become blanks.
std::string markdown_text(std::string_view text);

// Code within a line: between as many backticks as it takes; nothing for nothing.
std::string markdown_code(std::string_view text);

// A document, block by block. What goes in as inline is Markdown already, by the functions above.
class Markdown
{
public:
	// Of level 1 to 6.
	Markdown &heading(int level, std::string_view inline_text);
	Markdown &paragraph(std::string_view inline_text);
	Markdown &bullets(const std::vector<std::string> &inline_texts);
	// A block of code as it stands, between fences that are longer than any in it.
	Markdown &code(std::string_view language, std::string_view text);
	// Rows may be shorter than the head; pipes in cells are taken care of.
	Markdown &table(const std::vector<std::string> &head, const std::vector<std::vector<std::string>> &rows);
	// A place that links can name: letters, digits and hyphens.
	Markdown &anchor(std::string_view name);

	const std::string &str() const { return text_; }

private:
	void begin_block();

	std::string text_;
};

} // namespace mg
