/* BEGIN within a transaction, COMMIT outside of one. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  switch (tree->transaction_stmt->kind) {
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
    if (lint_in_transaction(lint))
      lint_find(lint, -1, "a transaction is open already");
    break;
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
    if (!lint_in_transaction(lint))
      lint_find(lint, -1, "no transaction is open");
    else if (lint_is_transaction_given(lint))
      lint_find(lint, -1, "this ends the transaction that the migration is run in");
    break;
  default:
    break;
  }
}

const LintRule rule_transaction_nesting = {
    .name = "transaction-nesting",
    .severity = LINT_ERROR,
    .why = "A second BEGIN does nothing but warn, and a COMMIT then ends more, or something else, "
           "than was meant: what follows runs without a transaction.",
    .instead =
        "One BEGIN and one COMMIT, or none where the migration is run in a transaction anyway.",
    .bad = "BEGIN;\n"
           "BEGIN;\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;\n"
           "COMMIT;",
    .good = "BEGIN;\n"
            "ALTER TABLE parts ADD COLUMN weight numeric;\n"
            "COMMIT;",
    .node = NODE(TRANSACTION_STMT),
    .on_node = check,
};
