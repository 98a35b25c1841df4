/* A CHECK that today's rows break. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  bool broken = false;
  if (constraint->contype != CONSTRAINT(CHECK) || !target->alters || column != NULL ||
      !lint_can_ask(lint) || target->fresh || lint_writes_before(lint, target->table) ||
      !lint_is_there(lint, target->table, NULL))
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, target->table);
  buffer_add_text(&sql, " WHERE NOT ");
  if (!lint_add_expression(lint, &sql, constraint->location))
    return;
  buffer_add_text(&sql, ")");
  if (lint_ask(lint, constraint->location, sql.text, &broken) && broken)
    lint_find(lint, constraint->location, "%s has rows here that break it", target->table->relname);
}

const LintRule rule_data_check = {
    .name = "data-check",
    .severity = LINT_ERROR,
    .why = "There are rows on this branch for which the condition is false, so the constraint "
           "can't be validated.",
    .instead = "Correct these rows first.",
    .refactoring = "Introduce Column Constraint",
    .bad = "ALTER TABLE parts ADD CONSTRAINT light CHECK (weight < 1000) NOT VALID;",
    .good = "ALTER TABLE parts ADD CONSTRAINT positive CHECK (weight > 0) NOT VALID;",
    .data = LINT_PARTS,
    .on_constraint = check,
};
