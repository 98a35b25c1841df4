/* A transaction that is never ended. */
#include "lint/rule.h"

static void check(Lint *lint) {
  if (lint_in_transaction(lint) && !lint_is_transaction_given(lint))
    lint_find(lint, -1, "the transaction is still open at the end of the file");
}

const LintRule rule_transaction_uncommitted = {
    .name = "transaction-uncommitted",
    .severity = LINT_ERROR,
    .why = "The connection ends with the transaction open: everything is rolled back, and the run "
           "looks like a success.",
    .instead = "End what BEGIN began with COMMIT.",
    .bad = "BEGIN;\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "BEGIN;\n"
            "ALTER TABLE parts ADD COLUMN weight numeric;\n"
            "COMMIT;",
    .on_end = check,
};
