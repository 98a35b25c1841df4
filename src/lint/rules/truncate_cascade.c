/* TRUNCATE that empties other tables too. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  if (tree->truncate_stmt->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE)
    lint_find(lint, -1, "TRUNCATE with CASCADE empties tables that aren't named here");
}

const LintRule rule_truncate_cascade = {
    .name = "truncate-cascade",
    .severity = LINT_ERROR,
    .why = "Every table that refers to one of these is emptied as well, whichever these are on the "
           "branch, and so are the ones that refer to them.",
    .instead = "Name every table that is to be emptied.",
    .bad = "TRUNCATE parts CASCADE;",
    .good = "TRUNCATE parts, part_prices;",
    .node = NODE(TRUNCATE_STMT),
    .on_node = check,
};
