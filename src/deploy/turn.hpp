// The right to change the schema in several transactions, which one session has at a time.
#pragma once

#include <optional>

#include "deploy/deploy.hpp"
#include "deploy/patience.hpp"
#include "pg/lock.hpp"

namespace mg::deploy {

// What the caller wishes, or else what a deployment was begun with, as JSON.
Patience patience_of(const Wishes &wishes, const std::string &details = "");
std::string wishes_json(const Patience &patience);

// Waits until no other session deploys or applies, without a snapshot, which would keep others waiting; held until it goes out of scope.
class Turn
{
public:
	explicit Turn(const Patience &patience);

private:
	std::optional<pg::SessionLock> lock_;
};

} // namespace mg::deploy
