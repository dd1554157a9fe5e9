// Hashes a record's own content, the same way in every session and every database it is restored into.
#include "ledger/store.hpp"
#include "pg/session.hpp"

namespace mg::ledger {

namespace {

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
			appendStringInfo(out, INT64_FORMAT, DatumGetInt64(value));
			return;
		case INT4OID:
			appendStringInfo(out, "%d", DatumGetInt32(value));
			return;
		case BOOLOID:
			appendStringInfoChar(out, DatumGetBool(value) ? 't' : 'f');
			return;
		case TIMESTAMPTZOID:
			appendStringInfo(out, INT64_FORMAT, static_cast<int64>(DatumGetTimestampTz(value)));
			return;
		case XID8OID:
			appendStringInfo(out, UINT64_FORMAT, U64FromFullTransactionId(DatumGetFullTransactionId(value)));
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
		appendStringInfo(&text, "%s=%d:", NameStr(attribute->attname), value.len);
		appendBinaryStringInfo(&text, value.data, value.len);
		appendStringInfoChar(&text, '\n');
	}
	char *hash = pg::sha256_hex_raw(text.data, text.len);
	pfree(value.data);
	pfree(text.data);
	return hash;
}

} // namespace mg::ledger
