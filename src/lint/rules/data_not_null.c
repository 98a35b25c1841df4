/* NOT NULL on a column that has NULLs now. */
#include "lint/rule.h"
#include "pg/conn.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  bool has_null = false;
  if (command->subtype != AT(SetNotNull) || !lint_can_ask(lint) || target->fresh ||
      lint_writes_before(lint, target->table) || !lint_is_there(lint, target->table, command->name))
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, target->table);
  buffer_add_text(&sql, " WHERE ");
  sql_add_identifier(&sql, command->name);
  buffer_add_text(&sql, " IS NULL)");
  if (lint_ask(lint, -1, sql.text, &has_null) && has_null)
    lint_find(lint, -1, "%s has rows here whose %s is NULL", target->table->relname, command->name);
}

const LintRule rule_data_not_null = {
    .name = "data-not-null",
    .severity = LINT_ERROR,
    .why = "There are rows on this branch with NULL in the column, so the statement fails.",
    .instead = "UPDATE the rows first, in this migration or one before.",
    .refactoring = "Make Column Non-Nullable",
    .bad = "ALTER TABLE parts ALTER COLUMN weight SET NOT NULL;",
    .good = "UPDATE parts SET weight = 0 WHERE weight IS NULL;\n"
            "ALTER TABLE parts ALTER COLUMN weight SET NOT NULL;",
    .data = LINT_PARTS,
    .on_command = check,
};
