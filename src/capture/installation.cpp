// Writes what a new installation begins with.
#include "capture/capture.hpp"

#include "ledger/store.hpp"
#include "pg/session.hpp"

namespace mg::capture {

namespace {

// The text of CREATE EXTENSION: the portal's statement, since no event trigger existed when it began.
void
record_create_extension_raw()
{
	FrameRaw frame;
	ListCell *cell;

	memset(&frame, 0, sizeof(frame));
	frame.source = debug_query_string != nullptr ? debug_query_string : "";
	frame.location = -1;
	frame.tag = CMDTAG_CREATE_EXTENSION;
	frame.tree = reinterpret_cast<Node *>(makeNode(CreateExtensionStmt));
	frame.memory = CurrentMemoryContext;
	if (ActivePortal != nullptr && ActivePortal->sourceText != nullptr)
		foreach (cell, ActivePortal->stmts)
		{
			PlannedStmt *statement = lfirst_node(PlannedStmt, cell);
			if (statement->utilityStmt == nullptr || !IsA(statement->utilityStmt, CreateExtensionStmt))
				continue;
			frame.source = ActivePortal->sourceText;
			frame.location = statement->stmt_location;
			frame.length = statement->stmt_len;
		}
	ObjectAddress address;
	ObjectAddressSet(address, ExtensionRelationId, CurrentExtensionObject);
	touch_raw(&frame, address, "extension", "migration_governance", false);
	record_raw(&frame);
}

} // namespace

void
record_installation()
{
	if (!pg::guarded([] {
			return creating_extension && CurrentExtensionObject == get_extension_oid("migration_governance", true);
		}))
		throw UserError("55000", "mg_install() is for the install script only");
	ledger::forget_place();

	std::vector<pg::Row> here = ledger::query("SELECT c.system_identifier, current_database() FROM mg.current c");
	ledger::Fields fields = {{"version", std::string(MG_VERSION)},
							 {"server_version", pg::server_version()},
							 {"system_identifier", here.front()[0]},
							 {"database_name", here.front()[1]}};
	ledger::add_session(fields);
	ledger::append(ledger::Table::installation, fields);
	pg::guarded([] { record_create_extension_raw(); });
}

} // namespace mg::capture
