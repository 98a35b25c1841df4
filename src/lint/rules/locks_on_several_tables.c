/* Exclusive locks on several tables in one transaction. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RangeVar *table = tree->alter_table_stmt->relation;
  if (!lint_in_transaction(lint) || lint_is_fresh(lint, table))
    return;
  for (size_t at = lint_transaction_start(lint); at < lint_at(lint); at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    if (alter == NULL || lint_is_fresh(lint, alter->relation))
      continue;
    if (!lint_same_table(alter->relation, table)) {
      lint_find(lint, -1, "%s is still locked while %s is changed", alter->relation->relname,
                table->relname);
      return;
    }
  }
}

const LintRule rule_locks_on_several_tables = {
    .name = "locks-on-several-tables",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "Each lock is kept until the end, so all of the tables are blocked for as long as the "
           "slowest change takes, and two such transactions can deadlock.",
    .instead = "One existing table per transaction.",
    .bad = "BEGIN;\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;\n"
           "ALTER TABLE prices ADD COLUMN since date;\n"
           "COMMIT;",
    .good = "BEGIN;\n"
            "ALTER TABLE parts ADD COLUMN weight numeric;\n"
            "COMMIT;\n"
            "BEGIN;\n"
            "ALTER TABLE prices ADD COLUMN since date;\n"
            "COMMIT;",
    .node = NODE(ALTER_TABLE_STMT),
    .on_node = check,
};
