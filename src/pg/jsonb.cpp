// Writes jsonb containers.
#include "pg/jsonb.hpp"

#include <algorithm>

namespace mg::pg {

namespace {

// The order of keys in a jsonb object: shorter first, then by bytes.
bool
key_less(const std::pair<std::string, std::string> &a, const std::pair<std::string, std::string> &b)
{
	return a.first.size() != b.first.size() ? a.first.size() < b.first.size() : a.first < b.first;
}

size_t
padding(size_t length)
{
	return INTALIGN(length) - length;
}

[[noreturn]] void
refuse_size()
{
	throw UserError("54000", "the value is larger than jsonb can be")
		.detail("The members of an object may have " + std::to_string(JENTRY_OFFLENMASK) + " bytes in all.")
		.hint("Leave schemas out with the policy setting ignored_schemas.");
}

} // namespace

void
JsonbMembers::add(std::string key, const Jsonb *value)
{
	members_.emplace_back(std::move(key), std::string(VARDATA(value), VARSIZE(value) - VARHDRSZ));
}

Jsonb *
JsonbMembers::build()
{
	std::sort(members_.begin(), members_.end(), key_less);

	size_t data = 0;
	for (const auto &member : members_)
		data += member.first.size();
	for (const auto &member : members_)
		data += padding(data) + member.second.size();
	if (data > JENTRY_OFFLENMASK || members_.size() > JB_CMASK)
		refuse_size();

	size_t entries = 2 * members_.size();
	size_t head = VARHDRSZ + sizeof(uint32) + entries * sizeof(JEntry);
	auto *result = guarded([&] { return static_cast<Jsonb *>(palloc0(head + data)); });
	SET_VARSIZE(result, head + data);
	result->root.header = static_cast<uint32>(members_.size()) | JB_FOBJECT;

	JEntry *entry = result->root.children;
	char *start = reinterpret_cast<char *>(result) + head;
	size_t end = 0;
	size_t number = 0;
	/* Every so many entries say where they end, the others how long they are. */
	auto add_entry = [&](uint32 type, size_t length) {
		*entry++ = type | (number++ % JB_OFFSET_STRIDE == 0 ? static_cast<uint32>(end) | JENTRY_HAS_OFF
															: static_cast<uint32>(length));
	};
	for (const auto &[key, value] : members_)
	{
		memcpy(start + end, key.data(), key.size());
		end += key.size();
		add_entry(JENTRY_ISSTRING, key.size());
	}
	for (const auto &[key, value] : members_)
	{
		size_t before = end;
		end += padding(end);
		memcpy(start + end, value.data(), value.size());
		end += value.size();
		add_entry(JENTRY_ISCONTAINER, end - before);
	}
	return result;
}

} // namespace mg::pg
