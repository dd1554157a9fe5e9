// By the server's own types; of others nothing is known.
#include "archive/types.hpp"

#include <optional>

namespace mg::archive {

namespace {

// Digits before the point and behind it.
struct Digits
{
	int before;
	int behind;
};

Digits
unpacked(int32 modifier)
{
	/* As numeric.c packs them; the scale may be below 0. */
	const int packed = modifier - static_cast<int>(VARHDRSZ);
	const int scale = ((packed & 0x7ff) ^ 1024) - 1024;

	return {((packed >> 16) & 0xffff) - scale, scale};
}

// What values of a type need; nothing: nobody knows.
std::optional<Digits>
digits_of(const Type &type)
{
	switch (type.oid)
	{
		case INT2OID:
			return Digits{5, 0};
		case INT4OID:
			return Digits{10, 0};
		case INT8OID:
			return Digits{19, 0};
		case NUMERICOID:
			return type.modifier != -1 ? std::optional<Digits>(unpacked(type.modifier)) : std::nullopt;
		default:
			return std::nullopt;
	}
}

} // namespace

bool
holds_all(const Type &to, const Type &from)
{
	if (to.oid == NUMERICOID && to.modifier != -1)
	{
		const std::optional<Digits> needed = digits_of(from);
		const Digits room = unpacked(to.modifier);
		return needed.has_value() && room.before >= needed->before && room.behind >= needed->behind;
	}
	if (to.modifier != -1)
		return false;
	switch (to.oid)
	{
		case TEXTOID:
		case VARCHAROID:
			return from.oid != BPCHAROID;
		case INT4OID:
			return from.oid == INT2OID;
		case INT8OID:
			return from.oid == INT2OID || from.oid == INT4OID;
		case NUMERICOID:
			return from.oid == NUMERICOID || from.oid == INT2OID || from.oid == INT4OID || from.oid == INT8OID;
		case FLOAT8OID:
			return from.oid == FLOAT4OID || from.oid == INT2OID || from.oid == INT4OID;
		case TIMESTAMPOID:
			return from.oid == DATEOID;
		default:
			return false;
	}
}

} // namespace mg::archive
