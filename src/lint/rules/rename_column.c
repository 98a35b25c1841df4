/* A column renamed in one step. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RenameStmt *rename = tree->rename_stmt;
  if (rename->rename_type == OBJECT(COLUMN) && rename->relation != NULL &&
      !lint_is_fresh(lint, rename->relation))
    lint_find(lint, -1, "column %s of %s is renamed without a transition", rename->subname,
              rename->relation->relname);
}

const LintRule rule_rename_column = {
    .name = "rename-column",
    .severity = LINT_WARNING,
    .why =
        "Every version of the application that still uses the old name fails from this moment on.",
    .instead = "Add a column of the new name, keep both alike by a trigger for a transition "
               "period, let the code move over, then drop the old one.",
    .refactoring = "Rename Column",
    .bad = "ALTER TABLE parts RENAME COLUMN code TO inventory_code;",
    .good = "ALTER TABLE parts ADD COLUMN inventory_code text;",
    .node = NODE(RENAME_STMT),
    .on_node = check,
};
