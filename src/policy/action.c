/* The table of actions. */
#include "policy/action.h"

#include "core/str.h"

static const struct {
  const char *text;
  unsigned flags;
  const char *meaning;
} actions[] = {
#define POLICY_ACTION(name, text, flags, meaning) {text, flags, meaning},
#include "policy/action.def"
#undef POLICY_ACTION
};

const char *policy_action_text(PolicyAction action) {
  return actions[action].text;
}

const char *policy_action_meaning(PolicyAction action) {
  return actions[action].meaning;
}

unsigned policy_action_flags(PolicyAction action) {
  return actions[action].flags;
}

bool policy_action_find(const char *text, PolicyAction *ret) {
  for (size_t at = 0; at < ARRAY_LENGTH(actions); at++) {
    if (!str_equal(actions[at].text, text))
      continue;
    *ret = (PolicyAction)at;
    return true;
  }
  return false;
}
