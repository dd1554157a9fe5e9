// The enum types that a script touches, as they are now and as its earlier statements leave them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::lint {

struct Enum
{
	std::string schema; // empty: the script did not say
	std::string name;
	Oid oid = InvalidOid; // of what was there before the script
	bool made_here = false;
	std::vector<std::string> labels;

	std::string title() const;
};

// A label that the script adds. Until the transaction ends it cannot be used (check_safe_enum_use).
struct NewLabel
{
	const Enum *type;
	std::string label;
	std::string added_by; // the statement
};

// Pointers to its types hold as long as it does.
class Enums
{
public:
	// The enum type that a name means now, or nullptr.
	Enum *find(const TypeName *name);
	Enum *find(Oid oid);

	void make(const CreateEnumStmt *create);
	void rename(const List *name, const std::string &to);
	void drop(const TypeName *name);
	// Whether ADD VALUE IF NOT EXISTS would find it there, and do nothing.
	bool is_added(const AlterEnumStmt *alter);
	void add(const AlterEnumStmt *alter);

	const std::vector<NewLabel> &new_labels() const { return new_labels_; }
	void forget_transaction();

private:
	Enum *find(const std::vector<std::string> &name);

	std::vector<std::unique_ptr<Enum>> types_;
	std::vector<NewLabel> new_labels_;
};

} // namespace mg::lint
