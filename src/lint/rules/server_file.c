/* Files and programs of the server. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  if (part->flags & SQL_SERVER_FILE)
    lint_find(lint, -1, "%s uses files or programs of the server", part->name);
}

const LintRule rule_server_file = {
    .name = "server-file",
    .severity = LINT_ERROR,
    .why = "The statement reads or writes files of the server, or runs a program there. Branches "
           "don't allow that, and the file isn't there elsewhere.",
    .instead = "COPY ... FROM stdin by the client, or INSERT.",
    .bad = "COPY parts FROM '/tmp/parts.csv';",
    .good = "INSERT INTO parts (code) VALUES ('a');",
    .on_statement = check,
};
