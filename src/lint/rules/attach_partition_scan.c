/* A partition attached without proof. */
#include "lint/rule.h"

static bool is_proved(const Lint *lint, const PgQuery__RangeVar *table) {
  for (size_t at = 0; at < lint_at(lint); at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    if (alter == NULL || !lint_same_table(alter->relation, table))
      continue;
    for (size_t of = 0; of < alter->n_cmds; of++)
      if (alter->cmds[of]->alter_table_cmd->subtype == AT(ValidateConstraint))
        return true;
  }
  return false;
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  const PgQuery__PartitionCmd *partition = SQL_NODE(command->def, PARTITION_CMD, partition_cmd);
  if (command->subtype == AT(AttachPartition) && partition != NULL &&
      !lint_is_fresh(lint, partition->name) && !is_proved(lint, partition->name))
    lint_find(lint, -1, "all rows of %s are read under a lock when it is attached",
              partition->name->relname);
}

const LintRule rule_attach_partition_scan = {
    .name = "attach-partition-scan",
    .severity = LINT_WARNING,
    .why = "ATTACH PARTITION reads the whole table under an exclusive lock on it, to see whether "
           "its rows belong there, unless a valid CHECK constraint says so.",
    .instead = "Add a CHECK constraint with the bounds as NOT VALID, validate it, attach, and drop "
               "the constraint.",
    .bad = "ALTER TABLE prices ATTACH PARTITION prices_2026 FOR VALUES FROM ('2026-01-01') TO "
           "('2027-01-01');",
    .good = "CREATE TABLE prices_2026 (LIKE prices);\n"
            "ALTER TABLE prices ATTACH PARTITION prices_2026 FOR VALUES FROM ('2026-01-01') TO "
            "('2027-01-01');",
    .on_command = check,
};
