/* An explicit lock. */
#include "lint/rule.h"

enum { ROW_EXCLUSIVE = 3 /* weaker ones keep no writer waiting */ };

static void check(Lint *lint, const PgQuery__Node *tree) {
  if (tree->lock_stmt->mode > ROW_EXCLUSIVE)
    lint_find(lint, -1, "the lock is kept until the transaction ends");
}

const LintRule rule_lock_table = {
    .name = "lock-table",
    .severity = LINT_WARNING,
    .why = "The lock is kept to the end of the transaction, and who comes later waits behind it.",
    .instead = "Let the statements take the locks that they need, as late as possible.",
    .bad = "LOCK TABLE parts;",
    .good = "UPDATE parts SET weight = 1 WHERE id = 1;",
    .node = NODE(LOCK_STMT),
    .on_node = check,
};
