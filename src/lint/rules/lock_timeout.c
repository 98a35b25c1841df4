/* Waiting for a lock without a limit. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  bool locks = (part->flags & (SQL_DDL | SQL_MAINTENANCE)) != 0 ||
               SQL_NODE(part->tree, LOCK_STMT, lock_stmt) != NULL;
  if (locks && !lint_has_setting(lint, "lock_timeout"))
    lint_find(lint, -1, "%s may wait for a lock without a limit", part->name);
}

const LintRule rule_lock_timeout = {
    .name = "lock-timeout",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A statement that waits for a lock makes everybody who comes later wait behind it. "
           "Bough sets lock_timeout when it applies a migration; other tools don't.",
    .instead = "SET lock_timeout = '2s'; before the first change.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "SET lock_timeout = '2s';\n"
            "ALTER TABLE parts ADD COLUMN weight numeric;",
    .on_statement = check,
};
