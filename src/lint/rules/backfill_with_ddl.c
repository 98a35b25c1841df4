/* Moving rows while an exclusive lock is held. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RangeVar *table = tree->update_stmt->relation;
  if (!lint_in_transaction(lint) || lint_is_fresh(lint, table))
    return;
  for (size_t at = lint_transaction_start(lint); at < lint_at(lint); at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    if (alter != NULL && lint_same_table(alter->relation, table)) {
      lint_find(lint, -1, "rows of %s are written while ALTER TABLE's lock on it is held",
                table->relname);
      return;
    }
  }
}

const LintRule rule_backfill_with_ddl = {
    .name = "backfill-with-ddl",
    .severity = LINT_WARNING,
    .why = "ALTER TABLE has taken an exclusive lock that is kept until the transaction ends, so "
           "nobody can use the table while its rows are written.",
    .instead = "Write the rows in a migration of their own, behind the one that changes the table.",
    .refactoring = "Move Data",
    .bad = "BEGIN;\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;\n"
           "UPDATE parts SET weight = 0 WHERE weight IS NULL;\n"
           "COMMIT;",
    .good = "BEGIN;\n"
            "ALTER TABLE parts ADD COLUMN weight numeric;\n"
            "COMMIT;\n"
            "UPDATE parts SET weight = 0 WHERE weight IS NULL;",
    .node = NODE(UPDATE_STMT),
    .on_node = check,
};
