// The whole schema as one value.
#pragma once

#include "schema/schema.hpp"

namespace mg::schema {

// A jsonb: format, server major, and objects by "type identity". Raises 54000 when it would be too large for jsonb.
Datum snapshot(const Scope &scope);

// SHA-256 in hexadecimal over the same.
std::string fingerprint(const Scope &scope);

// A picture as jsonb and back: {"owner": "me", "columns": {"id": {"type": "bigint"}}}.
std::string to_json(const Picture &picture);
Datum to_jsonb(const Picture &picture);
Picture from_json(const std::string &type, const std::string &identity, Datum jsonb);

} // namespace mg::schema
