/* NOT VALID and VALIDATE in one transaction. */
#include "lint/rule.h"

static bool is_added(const PgQuery__AlterTableStmt *alter, const char *name) {
  for (size_t at = 0; at < alter->n_cmds; at++) {
    const PgQuery__Constraint *constraint =
        SQL_NODE(alter->cmds[at]->alter_table_cmd->def, CONSTRAINT, constraint);
    if (constraint != NULL && lint_same_name(constraint->conname, name))
      return true;
  }
  return false;
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype != AT(ValidateConstraint) || !lint_in_transaction(lint) || target->fresh)
    return;
  for (size_t at = lint_transaction_start(lint); at < lint_at(lint); at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    if (alter != NULL && lint_same_table(alter->relation, target->table) &&
        is_added(alter, command->name))
      lint_find(lint, -1, "%s was added in this transaction, whose lock is kept meanwhile",
                command->name);
  }
}

const LintRule rule_validate_in_same_transaction = {
    .name = "validate-in-same-transaction",
    .severity = LINT_WARNING,
    .why = "The lock that ADD CONSTRAINT took is kept while all rows are checked, which NOT VALID "
           "was to avoid.",
    .instead = "Validate in another transaction, after the one that adds the constraint.",
    .refactoring = "Add Foreign Key Constraint",
    .bad = "BEGIN;\n"
           "ALTER TABLE parts ADD CONSTRAINT weight_positive CHECK (weight > 0) NOT VALID;\n"
           "ALTER TABLE parts VALIDATE CONSTRAINT weight_positive;\n"
           "COMMIT;",
    .good = "BEGIN;\n"
            "ALTER TABLE parts ADD CONSTRAINT weight_positive CHECK (weight > 0) NOT VALID;\n"
            "COMMIT;\n"
            "ALTER TABLE parts VALIDATE CONSTRAINT weight_positive;",
    .on_command = check,
};
