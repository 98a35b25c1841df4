/* What the tests of the linter share. */
#pragma once

#include "lint/rule.h"

/* How often a rule is found in a migration, silenced or not. */
static inline size_t count_rule(const LintReport *report, const char *name) {
  size_t count = 0;
  for (size_t at = 0; at < report->count; at++)
    count += str_equal(report->findings[at].rule->name, name);
  return count;
}
