/* A dropped column that has values, moved nowhere. */
#include "lint/rule.h"
#include "pg/conn.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  bool has_values = false;
  if (command->subtype != AT(DropColumn) || !lint_can_ask(lint) || target->fresh ||
      lint_reads_before(lint, command->name) || !lint_is_there(lint, target->table, command->name))
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, target->table);
  buffer_add_text(&sql, " WHERE ");
  sql_add_identifier(&sql, command->name);
  buffer_add_text(&sql, " IS NOT NULL)");
  if (lint_ask(lint, -1, sql.text, &has_values) && has_values)
    lint_find(lint, -1, "column %s of %s has values here that are moved nowhere", command->name,
              target->table->relname);
}

const LintRule rule_data_column_lost = {
    .name = "data-column-lost",
    .severity = LINT_ERROR,
    .why = "The column holds values on this branch, and no statement before reads them into "
           "another place: they are lost.",
    .instead = "UPDATE or INSERT ... SELECT the values to where they belong, then drop the column.",
    .refactoring = "Drop Column",
    .bad = "ALTER TABLE parts DROP COLUMN code;",
    .good = "UPDATE parts SET id = id + 1 WHERE code = 'a';\n"
            "ALTER TABLE parts DROP COLUMN code;",
    .data = LINT_PARTS,
    .on_command = check,
};
