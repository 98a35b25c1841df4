/* A column that every row would have to have already. */
#include "lint/rule.h"

/* Serial and identity columns and generated ones bring their values. */
static bool has_values(const PgQuery__ColumnDef *column) {
  static const char *const serials[] = {"serial",  "bigserial", "smallserial",
                                        "serial2", "serial4",   "serial8"};
  for (size_t at = 0; at < ARRAY_LENGTH(serials); at++)
    if (lint_type_is(column->type_name, serials[at]))
      return true;
  return lint_has_constraint(column, CONSTRAINT(DEFAULT)) ||
         lint_has_constraint(column, CONSTRAINT(GENERATED)) ||
         lint_has_constraint(column, CONSTRAINT(IDENTITY));
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__ColumnDef *column) {
  bool required = lint_has_constraint(column, CONSTRAINT(NOTNULL)) ||
                  lint_has_constraint(column, CONSTRAINT(PRIMARY));
  if (target->alters && !target->fresh && required && !has_values(column))
    lint_find(lint, column->location, "rows that %s has already would have no value in %s",
              target->table->relname, column->colname);
}

const LintRule rule_add_required_column = {
    .name = "add-required-column",
    .severity = LINT_ERROR,
    .why = "ADD COLUMN ... NOT NULL without a default fails as soon as the table has one row.",
    .instead =
        "Add it nullable or with a default, fill it, then set NOT NULL by a validated CHECK.",
    .refactoring = "Introduce New Column",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric NOT NULL;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric NOT NULL DEFAULT 0;",
    .on_column = check,
};
