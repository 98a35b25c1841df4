/* Row security switched off. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype == AT(DisableRowSecurity))
    lint_find(lint, -1, "row security of %s is switched off", target->table->relname);
}

const LintRule rule_disable_row_security = {
    .name = "disable-row-security",
    .severity = LINT_ERROR,
    .why = "From this moment on everybody who may read the table sees all of its rows.",
    .instead = "Change the policies instead.",
    .bad = "ALTER TABLE notes DISABLE ROW LEVEL SECURITY;",
    .good = "ALTER POLICY own ON notes USING (author = current_user);",
    .on_command = check,
};
