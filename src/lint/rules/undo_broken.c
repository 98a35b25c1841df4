/* An undo that cannot be read. */
#include "lint/rule.h"

static void check(Lint *lint) {
  const SqlScript *undo = lint_undo(lint);
  Error err = ERROR_INIT;
  if (undo != NULL && !sql_check(undo, &err))
    lint_find(lint, -1, "the undo can't be parsed: %s", err.message);
}

const LintRule rule_undo_broken = {
    .name = "undo-broken",
    .severity = LINT_ERROR,
    .why = "The undo fails when it is needed.",
    .instead = "Correct it; `bough migrate verify` runs it.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .bad_undo = "ALTER TABLE parts DROP COLUMN weight numeric;",
    .good_undo = "ALTER TABLE parts DROP COLUMN weight;",
    .on_end = check,
};
