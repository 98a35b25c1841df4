/* What the table of actions says beyond their names. Private to src/policy. */
#pragma once

#include "policy/policy.h"

enum {
  FORKS = 1 << 0,
  CHANGES = 1 << 1,
  MOVES = 1 << 2,
  PROJECT = 1 << 3,
};

unsigned policy_action_flags(PolicyAction action);
