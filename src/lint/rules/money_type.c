/* The type money. */
#include "lint/rule.h"

static void check_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  if (type != NULL && (lint_type_is(type, "money")))
    lint_find(lint, type->location, "%s is money, whose meaning depends on a setting", column);
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

const LintRule rule_money_type = {
    .name = "money-type",
    .severity = LINT_WARNING,
    .why = "What money means depends on a setting of the server's locale, its currency isn't "
           "stored, and fractions of a cent get lost.",
    .instead = "numeric, and the currency in a column of its own.",
    .refactoring = "Apply Standard Type",
    .bad = "ALTER TABLE parts ADD COLUMN price money;",
    .good = "ALTER TABLE parts ADD COLUMN price numeric(12, 2);",
    .on_column = check,
    .on_command = check_command,
};
