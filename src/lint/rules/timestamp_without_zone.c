/* Timestamps without a time zone. */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "timestamp"))
    lint_find(lint, type->location, "%s doesn't say in which zone its time is", column);
}

const LintRule rule_timestamp_without_zone = {
    .name = "timestamp-without-zone",
    .severity = LINT_WARNING,
    .why = "What moment a timestamp without a zone means depends on who reads it.",
    .instead = "timestamptz.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN made_at timestamp;",
    .good = "ALTER TABLE parts ADD COLUMN made_at timestamptz;",
    .on_type = check,
};
