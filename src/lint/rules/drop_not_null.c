/* A column may hold NULL from now on. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype == AT(DropNotNull) && !target->fresh)
    lint_find(lint, -1, "column %s of %s may be NULL from now on", command->name,
              target->table->relname);
}

const LintRule rule_drop_not_null = {
    .name = "drop-not-null",
    .severity = LINT_WARNING,
    .why = "Code that reads the column has never seen a NULL there and may not be ready for one.",
    .instead = "Make sure that every reader copes with NULL first.",
    .refactoring = "Make Column Nullable",
    .bad = "ALTER TABLE parts ALTER COLUMN weight DROP NOT NULL;",
    .good = "ALTER TABLE parts ALTER COLUMN weight SET DEFAULT 0;",
    .on_command = check,
};
