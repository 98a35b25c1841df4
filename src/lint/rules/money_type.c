/* The type money. */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "money"))
    lint_find(lint, type->location, "%s is money, whose meaning depends on a setting", column);
}

const LintRule rule_money_type = {
    .name = "money-type",
    .severity = LINT_WARNING,
    .why = "What money means depends on a setting of the server's locale, its currency isn't "
           "stored, and fractions of a cent get lost.",
    .instead = "numeric, and the currency in a column of its own.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN price money;",
    .good = "ALTER TABLE parts ADD COLUMN price numeric(12, 2);",
    .on_type = check,
};
