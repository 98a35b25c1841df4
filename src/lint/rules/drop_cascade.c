/* CASCADE takes with it what nobody has named. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  if (tree->drop_stmt->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE)
    lint_find(lint, -1, "CASCADE drops what isn't named here");
}

static void check_command(Lint *lint, const LintTarget *target,
                          const PgQuery__AlterTableCmd *command) {
  if (command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE && !target->fresh)
    lint_find(lint, -1, "CASCADE drops what isn't named here");
}

const LintRule rule_drop_cascade = {
    .name = "drop-cascade",
    .severity = LINT_WARNING,
    .why = "CASCADE drops whatever depends on the object: views, foreign keys, columns of a type, "
           "and which these are depends on the branch.",
    .instead = "Name what is to be dropped, in the order of its dependencies.",
    .refactoring = "Drop View",
    .bad = "DROP VIEW stock CASCADE;",
    .good = "DROP VIEW stock_by_day;\n"
            "DROP VIEW stock;",
    .node = NODE(DROP_STMT),
    .on_node = check,
    .on_command = check_command,
};
