/* 32-bit integers. */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "int4") || lint_type_is(type, "serial") || lint_type_is(type, "serial4"))
    lint_find(lint, type->location, "%s has 32 bits", column);
}

const LintRule rule_int_column = {
    .name = "int-column",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A 32-bit number runs out at two thousand million, and changing the type then writes "
           "the table anew.",
    .instead = "bigint.",
    .refactoring = "Apply Standard Type",
    .bad = "CREATE TABLE parts (id integer PRIMARY KEY);",
    .good = "CREATE TABLE parts (id bigint PRIMARY KEY);",
    .on_type = check,
};
