/* The type varchar(n). */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "varchar") && type->n_typmods > 0)
    lint_find(lint, type->location, "%s has its limit in the type", column);
}

const LintRule rule_varchar_limit = {
    .name = "varchar-limit",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "Making a limit smaller checks all rows under an exclusive lock, and limits are nearly "
           "always changed.",
    .instead = "text, with a CHECK on its length where there is a limit.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN code varchar(10);",
    .good = "ALTER TABLE parts ADD COLUMN code text;",
    .on_type = check,
};
