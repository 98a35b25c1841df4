/* Running without a limit. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  bool locks = (part->flags & (SQL_DDL | SQL_MAINTENANCE)) != 0 ||
               SQL_NODE(part->tree, LOCK_STMT, lock_stmt) != NULL;
  if (locks && !lint_has_setting(lint, "statement_timeout"))
    lint_find(lint, -1, "%s may run and keep its locks without a limit", part->name);
}

const LintRule rule_statement_timeout = {
    .name = "statement-timeout",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "A statement that takes longer than thought keeps its locks for all that time.",
    .instead = "SET statement_timeout = '30s'; before the first change.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "SET statement_timeout = '30s';\n"
            "ALTER TABLE parts ADD COLUMN weight numeric;",
    .on_statement = check,
};
