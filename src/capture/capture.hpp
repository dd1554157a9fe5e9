// Sees every statement that changes the schema and hands it to the ledger: event triggers for the objects, the utility
// hook for exact text, duration and the kinds that no event trigger sees.
#pragma once

#include "capture/frame.hpp"

namespace mg::capture {

// Installs the hooks and defines the settings; called once when the library is loaded.
void install();

// What the extension's event triggers call.
void on_event_raw(const EventTriggerData *event);

// Writes the record of a statement that has succeeded. Never waits for a lock and raises for want of memory or disk only:
// what cannot be written goes to the server log and is counted.
void record_raw(FrameRaw *frame);

// How many statements this session could not record.
int64 gaps();

// Switches records off and on again, for SQL of the extension's own; an error switches them on.
void silence_raw(bool on);
bool is_silent();

// Raises 55000 when a statement would change the ledger or the guard of it; says what is let through and mended.
void guard_statement_raw(Node *tree);

// Puts back the guards of the ledger that ALTER TABLE ... DISABLE TRIGGER has just switched off.
void mend_guards_raw(Node *tree);

// Parts of install() and of the end of a transaction that live beside what they concern.
void install_guard();
void install_rows();
void forget_hookless_statement(SubTransactionId subtransaction);
void end_gaps(bool aborted, SubTransactionId subtransaction);

// What the trigger on each of the ledger's tables calls: refuses what is not an insert of another installation's record
// (a restore).
Datum guard_trigger_raw(TriggerData *trigger);
bool ledger_is_guarded();

// Writes the first records of a new installation; for the install script only.
void record_installation();

// Lets this session drop the extension, until it ends.
void allow_removal();

} // namespace mg::capture
