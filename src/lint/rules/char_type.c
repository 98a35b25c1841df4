/* The type char(n). */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (lint_type_is(type, "bpchar") || lint_type_is(type, "char")))
    lint_find(lint, type->location, "%s is a char, which is filled up with blanks", column);
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__ColumnDef *column) {
  check_type(lint, column->colname, column->type_name);
}

static void check_command(Lint *lint, const LintTarget *target,
                          const PgQuery__AlterTableCmd *command) {
  const PgQuery__ColumnDef *column = SQL_NODE(command->def, COLUMN_DEF, column_def);
  if (command->subtype == AT(AlterColumnType) && column != NULL)
    check_type(lint, command->name, column->type_name);
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
    .on_column = check,
    .on_command = check_command,
};
