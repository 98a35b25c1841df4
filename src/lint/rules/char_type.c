/* The type char(n). */
#include "lint/rule.h"

static void check(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (lint_type_is(type, "bpchar") || lint_type_is(type, "char"))
    lint_find(lint, type->location, "%s is a char, which is filled up with blanks", column);
}

const LintRule rule_char_type = {
    .name = "char-type",
    .severity = LINT_WARNING,
    .why = "char(n) fills up with blanks, which get lost and come back in surprising places, and "
           "it is not faster than text.",
    .instead = "text, with a CHECK on its length where there is a limit.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN code char(10);",
    .good = "ALTER TABLE parts ADD COLUMN code text;",
    .on_type = check,
};
