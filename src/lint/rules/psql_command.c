/* Lines that only psql understands. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  if (part->kind == SQL_META)
    lint_find(lint, -1, "this is a command to psql, not SQL");
}

const LintRule rule_psql_command = {
    .name = "psql-command",
    .severity = LINT_ERROR,
    .why = "A line that starts with a backslash is a command to psql. A migration is sent to the "
           "server, which doesn't know it.",
    .instead = "Write it in SQL, or take it out of the migration.",
    .bad = "\\set ON_ERROR_STOP on\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .on_statement = check,
};
