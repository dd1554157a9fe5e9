// Asks the server about this session.
#include "pg/session.hpp"

#ifdef USE_OPENSSL
#include <openssl/evp.h>
#endif

namespace mg::pg {

namespace {

// The client's address cannot change within a session; libpq's own headers need Kerberos', so the SQL function tells.
const char *
client_address_raw()
{
	static char address[64] = {0};

	if (address[0] != '\0')
		return address;
	FmgrInfo function;
	LOCAL_FCINFO(call, 0);
	fmgr_info(F_INET_CLIENT_ADDR, &function);
	InitFunctionCallInfoData(*call, &function, 0, InvalidOid, nullptr, nullptr);
	Datum inet = FunctionCallInvoke(call);
	if (call->isnull)
		strlcpy(address, "[local]", sizeof(address));
	else
		strlcpy(address, TextDatumGetCString(DirectFunctionCall1(network_host, inet)), sizeof(address));
	return address;
}

} // namespace

SessionRaw
session_raw()
{
	SessionRaw session;

	Oid login = GetAuthenticatedUserId();
	session.login_role = OidIsValid(login) ? GetUserNameFromId(login, true) : nullptr;
	session.session_role =
		GetSessionUserId() == login ? session.login_role : GetUserNameFromId(GetSessionUserId(), true);
	session.acting_role =
		GetOuterUserId() == GetSessionUserId() ? session.session_role : GetUserNameFromId(GetOuterUserId(), true);
	session.application = application_name != nullptr ? application_name : "";
	session.client = client_address_raw();
	return session;
}

std::string
login_role()
{
	return guarded([] { return GetUserNameFromId(GetAuthenticatedUserId(), false); });
}

void
require_recording(const std::string &what)
{
	if (XactReadOnly || RecoveryInProgress())
		throw UserError("25006", "cannot " + what + " in a read-only transaction");
}

std::string
server_version()
{
	/* Packagers add words of their own. */
	std::string version = guarded([] { return GetConfigOption("server_version", false, false); });

	return version.substr(0, version.find(' '));
}

bool
session_owns_database()
{
	return guarded([&] {
		Oid user = GetSessionUserId();
		return superuser_arg(user) || has_privs_of_role(user, ROLE_PG_DATABASE_OWNER);
	});
}

void
require_database_owner(const char *what)
{
	if (!session_owns_database())
		throw UserError("42501", std::string("permission denied to ") + what)
			.detail("This needs a superuser or a member of pg_database_owner as session user.");
}

namespace {

// Both ways keep one context for the life of the session: making one costs ten times the hash of a record. After an error
// the next hash simply begins anew.
#ifdef USE_OPENSSL

// The server's own pg_cryptohash_init() looks the algorithm up in OpenSSL at each call, which costs eight times the hash.
bool
sha256(const char *data, size_t length, uint8 *digest)
{
	static EVP_MD_CTX *context = nullptr;

	if (context == nullptr)
	{
		EVP_MD_CTX *fresh = EVP_MD_CTX_new();
		if (fresh == nullptr || EVP_DigestInit_ex(fresh, EVP_sha256(), nullptr) != 1)
		{
			EVP_MD_CTX_free(fresh);
			return false;
		}
		context = fresh;
	}
	return EVP_DigestInit_ex(context, nullptr, nullptr) == 1 && EVP_DigestUpdate(context, data, length) == 1 &&
		   EVP_DigestFinal_ex(context, digest, nullptr) == 1;
}

#else

// The context has a resource owner of its own, which no transaction releases.
bool
sha256(const char *data, size_t length, uint8 *digest)
{
	static pg_cryptohash_ctx *context = nullptr;

	if (context == nullptr)
	{
		ResourceOwner before = CurrentResourceOwner;
		ResourceOwner own = ResourceOwnerCreate(nullptr, "migration_governance hash");
		CurrentResourceOwner = own;
		context = pg_cryptohash_create(PG_SHA256);
		CurrentResourceOwner = before;
	}
	return context != nullptr && pg_cryptohash_init(context) >= 0 &&
		   pg_cryptohash_update(context, reinterpret_cast<const uint8 *>(data), length) >= 0 &&
		   pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) >= 0;
}

#endif

} // namespace

char *
sha256_hex_raw(const char *data, size_t length)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	if (!sha256(data, length, digest))
		elog(ERROR, "could not compute SHA-256");

	auto *text = static_cast<char *>(palloc(2 * PG_SHA256_DIGEST_LENGTH + 1));
	hex_encode(reinterpret_cast<const char *>(digest), PG_SHA256_DIGEST_LENGTH, text);
	text[2 * PG_SHA256_DIGEST_LENGTH] = '\0';
	return text;
}

char *
sha256_hex_of_text_raw(const char *text, size_t length)
{
	char *utf8 = pg_server_to_any(text, static_cast<int>(length), PG_UTF8);

	return utf8 == text ? sha256_hex_raw(text, length) : sha256_hex_raw(utf8, strlen(utf8));
}

} // namespace mg::pg
