/* 16-bit integers. */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "int2") || lint_type_is(type, "smallserial") ||
      lint_type_is(type, "serial2"))
    lint_find(lint, type->location, "%s has 16 bits", column);
}

const LintRule rule_smallint_column = {
    .name = "smallint-column",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A 16-bit number runs out at 32767, and changing the type then writes the table anew.",
    .instead = "integer or bigint.",
    .refactoring = "Apply Standard Type",
    .bad = "CREATE TABLE parts (id smallint PRIMARY KEY);",
    .good = "CREATE TABLE parts (id bigint PRIMARY KEY);",
    .on_type = check,
};
