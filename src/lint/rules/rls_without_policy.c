/* Row security that lets nobody through. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  const SqlScript *script = lint_script(lint);
  if (command->subtype != AT(EnableRowSecurity) || !target->fresh)
    return;
  for (size_t at = 0; at < script->count; at++) {
    const PgQuery__CreatePolicyStmt *policy =
        LINT_PART(lint, at, CREATE_POLICY_STMT, create_policy_stmt);
    if (policy != NULL && lint_same_table(policy->table, target->table))
      return;
  }
  lint_find(lint, -1, "%s has row security and no policy", target->table->relname);
}

const LintRule rule_rls_without_policy = {
    .name = "rls-without-policy",
    .severity = LINT_WARNING,
    .why = "With row security on and no policy nobody but the owner sees a row.",
    .instead = "Create the policies in the same migration.",
    .bad = "CREATE TABLE notes (id bigint PRIMARY KEY);\n"
           "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;",
    .good = "CREATE TABLE notes (id bigint PRIMARY KEY);\n"
            "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n"
            "CREATE POLICY everyone ON notes USING (true);",
    .on_command = check,
};
