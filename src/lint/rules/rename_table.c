/* A table renamed in one step. */
#include "lint/rule.h"

/* The transition: a view of the old name in the same transaction. */
static bool leaves_view(const Lint *lint, const char *old_name) {
  const SqlScript *script = lint_script(lint);
  for (size_t at = lint_at(lint) + 1; lint_in_transaction(lint) && at < script->count; at++) {
    const PgQuery__ViewStmt *view = LINT_PART(lint, at, VIEW_STMT, view_stmt);
    if (view != NULL && lint_same_name(view->view->relname, old_name))
      return true;
  }
  return false;
}

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RenameStmt *rename = tree->rename_stmt;
  bool is_table = rename->rename_type == OBJECT(TABLE) || rename->rename_type == OBJECT(VIEW);
  if (is_table && rename->relation != NULL && !lint_is_fresh(lint, rename->relation) &&
      !leaves_view(lint, rename->relation->relname))
    lint_find(lint, -1, "%s is renamed without a transition", rename->relation->relname);
}

const LintRule rule_rename_table = {
    .name = "rename-table",
    .severity = LINT_WARNING,
    .why =
        "Every version of the application that still uses the old name fails from this moment on.",
    .instead = "Rename it and leave a view of the old name that can be written through, in one "
               "transaction, for a transition period.",
    .refactoring = "Rename Table",
    .bad = "ALTER TABLE parts RENAME TO items;",
    .good = "BEGIN;\n"
            "ALTER TABLE parts RENAME TO items;\n"
            "CREATE VIEW parts AS SELECT * FROM items;\n"
            "COMMIT;",
    .node = NODE(RENAME_STMT),
    .on_node = check,
};
