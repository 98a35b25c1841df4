/* Serial types. */
#include "lint/rule.h"

static bool is_serial(const PgQuery__TypeName *type) {
  static const char *const names[] = {"serial",  "bigserial", "smallserial",
                                      "serial2", "serial4",   "serial8"};
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    if (lint_type_is(type, names[at]))
      return true;
  return false;
}

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (is_serial(type))
    lint_find(lint, type->location, "%s is a serial", column);
}

const LintRule rule_serial_type = {
    .name = "serial-type",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A serial's sequence has rights and an owner of its own, and its values can be "
           "overwritten by accident.",
    .instead = "bigint GENERATED ALWAYS AS IDENTITY.",
    .refactoring = "Introduce Surrogate Key",
    .bad = "CREATE TABLE parts (id bigserial PRIMARY KEY);",
    .good = "CREATE TABLE parts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
    .on_type = check,
};
