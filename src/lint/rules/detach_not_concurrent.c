/* A partition detached under an exclusive lock. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  const PgQuery__PartitionCmd *partition = SQL_NODE(command->def, PARTITION_CMD, partition_cmd);
  if (command->subtype == AT(DetachPartition) && partition != NULL && !partition->concurrent &&
      !target->fresh)
    lint_find(lint, -1, "partition %s is detached under an exclusive lock on %s",
              partition->name->relname, target->table->relname);
}

const LintRule rule_detach_not_concurrent = {
    .name = "detach-not-concurrent",
    .severity = LINT_WARNING,
    .why = "DETACH PARTITION locks the partitioned table against all readers and writers.",
    .instead = "DETACH PARTITION ... CONCURRENTLY, outside of a transaction.",
    .bad = "ALTER TABLE prices DETACH PARTITION prices_2019;",
    .good = "ALTER TABLE prices DETACH PARTITION prices_2019 CONCURRENTLY;",
    .on_command = check,
};
