// A statement while it runs: its text, and the objects that event triggers say it touched.
#pragma once

#include "pg/boundary.hpp"

namespace mg::capture {

struct TouchedRaw
{
	ObjectAddress address; // InvalidOid members where only a name is known
	const char *type;      // as the server's event triggers name it: table, function, ...
	const char *identity;
	bool dropped;
	List *names; // of a dropped object, as pg_get_object_address() takes them; NIL when not asked for
	List *arguments;
	TouchedRaw *next;
};

struct FrameRaw
{
	FrameRaw *outer;
	const char
		*source; // the string that `location` and `length` cut the statement out of; nullptr when it is not known
	int location;
	int length;
	Node *tree;
	CommandTag tag;
	bool started;                    // ddl_command_start has been seen for it
	bool nested;                     // run by a function, a DO block or the like
	SubTransactionId subtransaction; // in which a frame without the hook began
	int64 start;                     // microseconds of a clock that does not go back
	MemoryContext memory;
	TouchedRaw *first;
	TouchedRaw *last;
	int touched;
	int temporary; // objects left out because they are temporary
	bool described;
	int level;           // how it is enforced: Level of capture/enforce.hpp
	bool untold;         // its tree does not tell what it touches
	const char *offence; // what policy has something against, or nullptr
};

// The innermost statement that is recorded, or nullptr. Frames of the hook lie on its stack and leave with it;
// the frame of the one statement that loaded the library leaves with its ddl_command_end or its (sub)transaction.
FrameRaw *innermost();
void push_raw(FrameRaw *frame);
void pop(FrameRaw *frame);

// Adds an object; type and identity are copied, and what is given back may be completed.
TouchedRaw *touch_raw(FrameRaw *frame, ObjectAddress address, const char *type, const char *identity, bool dropped);

// Names the objects of statements that event triggers do not describe, from the parse tree: GRANT, roles, databases, ...
// A second call does nothing.
void describe_raw(FrameRaw *frame);

// Tells whether the statement may have changed objects that are not among those it touched.
bool is_incomplete(const FrameRaw *frame);

// The object that the statement is about: of the kind that its tag names, else the first; nullptr when none is known.
const TouchedRaw *principal(const FrameRaw *frame);

// Gives the exact text of the statement, without leading blanks and comments, with secrets taken out; in the current
// context, nullptr when it is not known.
char *text_of_raw(const FrameRaw *frame);

int64 clock_us();

} // namespace mg::capture
