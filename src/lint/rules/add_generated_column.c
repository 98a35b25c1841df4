/* A column whose values have to be stored for every row. */
#include "lint/rule.h"

static bool is_serial(const PgQuery__TypeName *type) {
  return lint_type_is(type, "serial") || lint_type_is(type, "bigserial") ||
         lint_type_is(type, "smallserial") || lint_type_is(type, "serial4") ||
         lint_type_is(type, "serial8") || lint_type_is(type, "serial2");
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__ColumnDef *column) {
  bool stored = lint_has_constraint(column, CONSTRAINT(GENERATED)) ||
                lint_has_constraint(column, CONSTRAINT(IDENTITY)) || is_serial(column->type_name);
  if (target->alters && !target->fresh && stored)
    lint_find(lint, column->location, "%s is written anew to store %s", target->table->relname,
              column->colname);
}

const LintRule rule_add_generated_column = {
    .name = "add-generated-column",
    .severity = LINT_WARNING,
    .why = "A stored generated column, a serial or an identity column writes the whole table anew "
           "under an exclusive lock.",
    .instead = "Add a plain column, keep it by a trigger, and fill the rows in batches.",
    .refactoring = "Introduce Calculated Column",
    .bad = "ALTER TABLE parts ADD COLUMN volume numeric GENERATED ALWAYS AS (a * b * c) STORED;",
    .good = "ALTER TABLE parts ADD COLUMN volume numeric;",
    .on_column = check,
};
