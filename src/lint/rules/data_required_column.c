/* A required column for a table that has rows. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__ColumnDef *column) {
  bool has_rows = false;
  bool has_values = lint_has_constraint(column, CONSTRAINT(DEFAULT)) ||
                    lint_has_constraint(column, CONSTRAINT(GENERATED)) ||
                    lint_has_constraint(column, CONSTRAINT(IDENTITY));
  if (!target->alters || target->fresh || has_values || !lint_can_ask(lint) ||
      !lint_has_constraint(column, CONSTRAINT(NOTNULL)) ||
      lint_writes_before(lint, target->table) || !lint_is_there(lint, target->table, NULL))
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, target->table);
  buffer_add_text(&sql, ")");
  if (lint_ask(lint, column->location, sql.text, &has_rows) && has_rows)
    lint_find(lint, column->location, "%s has rows here, which would have no %s",
              target->table->relname, column->colname);
}

const LintRule rule_data_required_column = {
    .name = "data-required-column",
    .severity = LINT_ERROR,
    .why = "The table has rows on this branch, which would have no value in the new column, so the "
           "statement fails.",
    .instead = "Add it nullable or with a default, fill it, then make it required.",
    .refactoring = "Introduce New Column",
    .bad = "ALTER TABLE parts ADD COLUMN height numeric NOT NULL;",
    .good = "ALTER TABLE empty ADD COLUMN height numeric NOT NULL;",
    .data = LINT_PARTS,
    .on_column = check,
};
