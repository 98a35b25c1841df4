/* The type varchar(n). */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (lint_type_is(type, "varchar") && type->n_typmods > 0))
    lint_find(lint, type->location, "%s has its limit in the type", column);
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
    .on_column = check,
    .on_command = check_command,
};
