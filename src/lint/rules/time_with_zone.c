/* The type timetz. */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "timetz"))
    lint_find(lint, type->location, "%s has an offset without a date", column);
}

const LintRule rule_time_with_zone = {
    .name = "time-with-zone",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A time of day with an offset but without a date can't be compared or converted in a "
           "sensible way.",
    .instead = "time, or timestamptz.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN made_at timetz;",
    .good = "ALTER TABLE parts ADD COLUMN made_at timestamptz;",
    .on_type = check,
};
