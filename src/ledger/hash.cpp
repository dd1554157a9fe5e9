// Hashes a record's own content, the same way in every session and every database it is restored into.
#include "ledger/store.hpp"
#include "pg/session.hpp"

namespace mg::ledger {

namespace {

// A value's bytes; text in UTF-8, so that a dump may change encodings.
struct Bytes
{
	const char *data;
	size_t length;
};

Bytes
utf8_of_raw(char *text, size_t length)
{
	if (GetDatabaseEncoding() == PG_UTF8)
		return {text, length};
	char *utf8 = pg_server_to_any(text, static_cast<int>(length), PG_UTF8);
	return {utf8, utf8 == text ? length : strlen(utf8)};
}

Bytes
digits_of(int64 number, char *room)
{
	return {room, static_cast<size_t>(pg_lltoa(number, room))};
}

constexpr size_t room_size = 2 * UUID_LEN + 1;

// Gives a value in a form that no setting of the session changes; `room` is for what is short.
Bytes
bytes_of_raw(Oid type, Datum value, char *room)
{
	switch (type)
	{
		case TEXTOID:
		{
			text *source = DatumGetTextPP(value);
			return utf8_of_raw(VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source));
		}
		case INT8OID:
			return digits_of(DatumGetInt64(value), room);
		case INT4OID:
			return digits_of(DatumGetInt32(value), room);
		case UUIDOID:
			hex_encode(reinterpret_cast<const char *>(DatumGetUUIDP(value)), UUID_LEN, room);
			return {room, 2 * UUID_LEN};
		case BOOLOID:
			return {DatumGetBool(value) ? "t" : "f", 1};
		case TIMESTAMPTZOID:
			return digits_of(DatumGetTimestampTz(value), room);
		case XID8OID:
			return digits_of(static_cast<int64>(U64FromFullTransactionId(DatumGetFullTransactionId(value))), room);
		default:
		{
			Oid output;
			bool is_varlena;
			getTypeOutputInfo(type, &output, &is_varlena);
			char *text = OidOutputFunctionCall(output, value);
			return utf8_of_raw(text, strlen(text));
		}
	}
}

// Appends NAME=LENGTH:BYTES and a line end.
void
append_field_raw(StringInfo out, const char *name, Bytes bytes)
{
	char length[24];
	size_t name_length = strlen(name);
	Bytes digits = digits_of(static_cast<int64>(bytes.length), length);

	enlargeStringInfo(out, static_cast<int>(name_length + digits.length + bytes.length + 3));
	char *end = out->data + out->len;
	auto append = [&end](const char *data, size_t size) {
		memcpy(end, data, size);
		end += size;
	};
	append(name, name_length);
	*end++ = '=';
	append(digits.data, digits.length);
	*end++ = ':';
	append(bytes.data, bytes.length);
	*end++ = '\n';
	out->len = static_cast<int>(end - out->data);
}

} // namespace

// Absent columns are left out, so that a column added by a later version does not change old hashes.
char *
record_hash_raw(TupleDesc desc, const Datum *values, const bool *nulls)
{
	StringInfoData text;
	char room[room_size];

	initStringInfo(&text);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (nulls[i] || attribute->attisdropped || strcmp(NameStr(attribute->attname), "hash") == 0)
			continue;
		append_field_raw(&text, NameStr(attribute->attname), bytes_of_raw(attribute->atttypid, values[i], room));
	}
	char *hash = pg::sha256_hex_raw(text.data, text.len);
	pfree(text.data);
	return hash;
}

} // namespace mg::ledger
