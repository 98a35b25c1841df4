/* A setting that outlives the migration. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  static const char *const names[] = {"search_path", "role", "session_authorization",
                                      "row_security", "default_tablespace"};
  const PgQuery__VariableSetStmt *set = tree->variable_set_stmt;
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    if (set->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE && !set->is_local &&
        lint_same_name(set->name, names[at]))
      lint_find(lint, -1, "%s stays set for the migrations that follow", set->name);
}

const LintRule rule_session_setting = {
    .name = "session-setting",
    .severity = LINT_WARNING,
    .why = "SET lasts as long as the session: the next migration is run under it.",
    .instead = "SET LOCAL, within the transaction.",
    .bad = "SET search_path = stock;\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "SET LOCAL search_path = stock;\n"
            "ALTER TABLE parts ADD COLUMN weight numeric;",
    .node = NODE(VARIABLE_SET_STMT),
    .on_node = check,
};
