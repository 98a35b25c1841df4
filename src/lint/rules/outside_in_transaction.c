/* What PostgreSQL refuses in a transaction block. */
#include "lint/rule.h"

/* Where somebody else begins the transaction, a lone statement is run without one. */
static bool is_alone(const Lint *lint) {
  const SqlScript *script = lint_script(lint);
  size_t others = 0;
  for (size_t at = 0; at < script->count && others < 2; at++)
    others += script->parts[at].kind == SQL_STATEMENT;
  return others == 1;
}

static void check(Lint *lint, const SqlPart *part) {
  if ((part->flags & SQL_OUTSIDE) == 0 || !lint_in_transaction(lint))
    return;
  if (!lint_is_transaction_given(lint) || !is_alone(lint))
    lint_find(lint, -1, "%s can't run in a transaction block", part->name);
}

const LintRule rule_outside_in_transaction = {
    .name = "outside-in-transaction",
    .severity = LINT_ERROR,
    .why = "PostgreSQL refuses the statement in a transaction block, so the migration fails.",
    .instead =
        "Put it into a migration of its own that is marked as not to be run in a transaction.",
    .bad = "BEGIN;\n"
           "CREATE INDEX CONCURRENTLY parts_code ON parts (code);\n"
           "COMMIT;",
    .good = "CREATE INDEX CONCURRENTLY parts_code ON parts (code);",
    .on_statement = check,
};
