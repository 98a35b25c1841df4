/* A foreign key that today's rows break. */
#include "lint/rule.h"
#include "pg/conn.h"

/* One column that names what it refers to: the usual case, and one that can be asked simply. */
static void ask(Lint *lint, const PgQuery__RangeVar *table, const PgQuery__Constraint *constraint) {
  const char *from = tree_name(constraint->fk_attrs, constraint->n_fk_attrs, 0);
  const char *to = tree_name(constraint->pk_attrs, constraint->n_pk_attrs, 0);
  bool broken = false;
  if (!lint_is_there(lint, table, from) || !lint_is_there(lint, constraint->pktable, to))
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, table);
  buffer_add_text(&sql, " AS referring WHERE referring.");
  sql_add_identifier(&sql, from);
  buffer_add_text(&sql, " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, constraint->pktable);
  buffer_add_text(&sql, " AS referred WHERE referred.");
  sql_add_identifier(&sql, to);
  buffer_add_text(&sql, " = referring.");
  sql_add_identifier(&sql, from);
  buffer_add_text(&sql, "))");
  if (lint_ask(lint, constraint->location, sql.text, &broken) && broken)
    lint_find(lint, constraint->location, "%s has rows here whose %s isn't in %s", table->relname,
              from, constraint->pktable->relname);
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  if (constraint->contype != CONSTRAINT(FOREIGN) || !target->alters || column != NULL ||
      !lint_can_ask(lint) || constraint->n_fk_attrs != 1 || constraint->n_pk_attrs != 1)
    return;
  bool unknown = target->fresh || lint_is_fresh(lint, constraint->pktable) ||
                 lint_writes_before(lint, target->table) ||
                 lint_writes_before(lint, constraint->pktable);
  if (!unknown)
    ask(lint, target->table, constraint);
}

const LintRule rule_data_foreign_key = {
    .name = "data-foreign-key",
    .severity = LINT_ERROR,
    .why = "There are rows on this branch that refer to nothing, so the constraint can't be "
           "validated.",
    .instead = "Remove or correct these rows first.",
    .refactoring = "Add Foreign Key Constraint",
    .bad = "ALTER TABLE prices ADD CONSTRAINT prices_part FOREIGN KEY (part) REFERENCES parts (id) "
           "NOT VALID;",
    .good = "ALTER TABLE empty ADD CONSTRAINT empty_part FOREIGN KEY (part) REFERENCES parts (id) "
            "NOT VALID;",
    .data = LINT_PARTS,
    .on_constraint = check,
};
