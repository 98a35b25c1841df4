/* A policy that nothing enforces. */
#include "lint/rule.h"

static bool is_enabled(const Lint *lint, const PgQuery__RangeVar *table) {
  const SqlScript *script = lint_script(lint);
  for (size_t at = 0; at < script->count; at++) {
    const PgQuery__AlterTableStmt *alter = LINT_PART(lint, at, ALTER_TABLE_STMT, alter_table_stmt);
    for (size_t of = 0;
         alter != NULL && lint_same_table(alter->relation, table) && of < alter->n_cmds; of++)
      if (alter->cmds[of]->alter_table_cmd->subtype == AT(EnableRowSecurity))
        return true;
  }
  return false;
}

/* Of tables made elsewhere it isn't known whether row security is on. */
static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__CreatePolicyStmt *policy = tree->create_policy_stmt;
  if (lint_is_fresh(lint, policy->table) && !is_enabled(lint, policy->table))
    lint_find(lint, -1, "row security of %s is off, so policy %s does nothing",
              policy->table->relname, policy->policy_name);
}

const LintRule rule_policy_without_rls = {
    .name = "policy-without-rls",
    .severity = LINT_ERROR,
    .why = "A policy has no effect until row security is switched on for its table: everybody sees "
           "every row.",
    .instead = "ALTER TABLE ... ENABLE ROW LEVEL SECURITY in the same migration; if it is on "
               "already, silence the rule and say so.",
    .bad = "CREATE TABLE notes (id bigint PRIMARY KEY, author text);\n"
           "CREATE POLICY own ON notes USING (author = current_user);",
    .good = "CREATE TABLE notes (id bigint PRIMARY KEY, author text);\n"
            "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n"
            "CREATE POLICY own ON notes USING (author = current_user);",
    .node = NODE(CREATE_POLICY_STMT),
    .on_node = check,
};
