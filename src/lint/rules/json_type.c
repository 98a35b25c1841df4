/* The type json. */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "json"))
    lint_find(lint, type->location, "%s is json, which can't be compared", column);
}

const LintRule rule_json_type = {
    .name = "json-type",
    .severity = LINT_WARNING,
    .why = "json has no equality, so DISTINCT, GROUP BY and UNION over the table fail, and it is "
           "parsed at every access.",
    .instead = "jsonb.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN extra json;",
    .good = "ALTER TABLE parts ADD COLUMN extra jsonb;",
    .on_type = check,
};
