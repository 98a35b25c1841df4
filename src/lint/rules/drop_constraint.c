/* A rule that the data kept is given up. */
#include "lint/rule.h"

/* One that is replaced or that only proved a NOT NULL isn't given up. */
static bool is_replaced(const Lint *lint, const LintTarget *target) {
  const SqlScript *script = lint_script(lint);
  for (size_t at = 0; at < script->count; at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    if (alter == NULL || !lint_same_table(alter->relation, target->table))
      continue;
    for (size_t of = 0; of < alter->n_cmds; of++) {
      const PgQuery__AlterTableCmd *other = alter->cmds[of]->alter_table_cmd;
      if (other->subtype == AT(AddConstraint) || other->subtype == AT(SetNotNull) ||
          other->subtype == AT(AddIndexConstraint))
        return true;
    }
  }
  return false;
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype == AT(DropConstraint) && !target->fresh && !is_replaced(lint, target))
    lint_find(lint, -1, "constraint %s of %s is dropped", command->name, target->table->relname);
}

const LintRule rule_drop_constraint = {
    .name = "drop-constraint",
    .severity = LINT_WARNING,
    .why = "From now on rows can come that break what the constraint promised, and it can't simply "
           "be added again.",
    .instead = "Add what replaces it first (NOT VALID, then validated), and drop it afterwards in "
               "the same migration.",
    .refactoring = "Drop Constraint",
    .bad = "ALTER TABLE parts DROP CONSTRAINT parts_weight_check;",
    .good = "ALTER TABLE parts DROP CONSTRAINT parts_weight_check,\n"
            "  ADD CONSTRAINT parts_weight_check CHECK (weight > 0) NOT VALID;",
    .on_command = check,
};
