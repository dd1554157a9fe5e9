// What the server calls on its own: the event triggers, the guard of the ledger, and the end of the install script.
#include "capture/capture.hpp"
#include "drift/expected.hpp"
#include "migrate/own_history.hpp"

MG_FUNCTION(mg_capture)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		throw mg::UserError("39P03", "mg_capture() can only be called as an event trigger");
	mg::capture::on_event_raw(reinterpret_cast<const EventTriggerData *>(fcinfo->context));
	PG_RETURN_NULL();
}

MG_FUNCTION(mg_guard)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		throw mg::UserError("39P01", "mg_guard() can only be called as a trigger");
	return mg::capture::guard_trigger_raw(reinterpret_cast<TriggerData *>(fcinfo->context));
}

MG_FUNCTION(mg_install)
{
	mg::capture::record_installation();
	mg::drift::take_all(std::nullopt);
	PG_RETURN_VOID();
}

MG_FUNCTION(mg_keep_history)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		throw mg::UserError("39P01", "mg_keep_history() can only be called as a trigger");
	return mg::migrate::keep_history(reinterpret_cast<TriggerData *>(fcinfo->context));
}
