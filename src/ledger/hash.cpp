// Hashes a record's own content, the same way in every session and every database it is restored into.
#include "ledger/store.hpp"
#include "pg/session.hpp"

namespace mg::ledger {

namespace {

void
append_number(StringInfo out, int64 number)
{
	char digits[24];

	pg_lltoa(number, digits);
	appendStringInfoString(out, digits);
}

// Appends a value in a form that no setting of the session changes; text in UTF-8, so that a dump may change encodings.
void
append_value_raw(StringInfo out, Oid type, Datum value)
{
	switch (type)
	{
		case TEXTOID:
		{
			text *source = DatumGetTextPP(value);
			int length = VARSIZE_ANY_EXHDR(source);
			char *bytes = VARDATA_ANY(source);
			char *utf8 = pg_server_to_any(bytes, length, PG_UTF8);
			appendBinaryStringInfo(out, utf8, utf8 == bytes ? length : static_cast<int>(strlen(utf8)));
			return;
		}
		case INT8OID:
			append_number(out, DatumGetInt64(value));
			return;
		case INT4OID:
			append_number(out, DatumGetInt32(value));
			return;
		case UUIDOID:
		{
			char digits[2 * UUID_LEN];
			hex_encode(reinterpret_cast<const char *>(DatumGetUUIDP(value)), UUID_LEN, digits);
			appendBinaryStringInfo(out, digits, sizeof(digits));
			return;
		}
		case BOOLOID:
			appendStringInfoChar(out, DatumGetBool(value) ? 't' : 'f');
			return;
		case TIMESTAMPTZOID:
			append_number(out, DatumGetTimestampTz(value));
			return;
		case XID8OID:
			append_number(out, static_cast<int64>(U64FromFullTransactionId(DatumGetFullTransactionId(value))));
			return;
		default:
		{
			Oid output;
			bool is_varlena;
			getTypeOutputInfo(type, &output, &is_varlena);
			char *text = OidOutputFunctionCall(output, value);
			appendStringInfoString(out, pg_server_to_any(text, strlen(text), PG_UTF8));
		}
	}
}

} // namespace

// Absent columns are left out, so that a column added by a later version does not change old hashes.
char *
record_hash_raw(TupleDesc desc, const Datum *values, const bool *nulls)
{
	StringInfoData text;
	StringInfoData value;

	initStringInfo(&text);
	initStringInfo(&value);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (nulls[i] || attribute->attisdropped || strcmp(NameStr(attribute->attname), "hash") == 0)
			continue;
		resetStringInfo(&value);
		append_value_raw(&value, attribute->atttypid, values[i]);
		char length[12];
		pg_ltoa(value.len, length);
		appendStringInfoString(&text, NameStr(attribute->attname));
		appendStringInfoChar(&text, '=');
		appendStringInfoString(&text, length);
		appendStringInfoChar(&text, ':');
		appendBinaryStringInfo(&text, value.data, value.len);
		appendStringInfoChar(&text, '\n');
	}
	char *hash = pg::sha256_hex_raw(text.data, text.len);
	pfree(value.data);
	pfree(text.data);
	return hash;
}

} // namespace mg::ledger
