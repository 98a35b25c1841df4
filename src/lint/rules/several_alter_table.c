/* One table altered several times. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RangeVar *table = tree->alter_table_stmt->relation;
  if (lint_at(lint) == 0 || lint_is_fresh(lint, table))
    return;
  const PgQuery__AlterTableStmt *before =
      LINT_PART(lint, lint_at(lint) - 1, ALTER_TABLE_STMT, alter_table_stmt);
  if (before != NULL && lint_same_table(before->relation, table) &&
      before->cmds[0]->alter_table_cmd->subtype ==
          tree->alter_table_stmt->cmds[0]->alter_table_cmd->subtype)
    lint_find(lint, -1, "%s is altered by the statement before, too", table->relname);
}

const LintRule rule_several_alter_table = {
    .name = "several-alter-table",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "Each ALTER TABLE takes the lock anew, and may read or write the table anew.",
    .instead = "One ALTER TABLE with all of its changes.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;\n"
           "ALTER TABLE parts ADD COLUMN height numeric;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric, ADD COLUMN height numeric;",
    .node = NODE(ALTER_TABLE_STMT),
    .on_node = check,
};
