/* A migration that nothing undoes. */
#include "lint/rule.h"

static void check(Lint *lint) {
  const SqlScript *undo = lint_undo(lint);
  if (lint_undo_is_known(lint) && (undo == NULL || undo->count == 0) &&
      lint_script(lint)->count > 0)
    lint_find(lint, -1, "nothing undoes this migration");
}

const LintRule rule_undo_missing = {
    .name = "undo-missing",
    .severity = LINT_WARNING,
    .why = "If it turns out to be wrong, there is no rehearsed way back.",
    .instead = "Write the undo; where there is none, write one that says why and raises an error.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .bad_undo = "",
    .good_undo = "ALTER TABLE parts DROP COLUMN weight;",
    .on_end = check,
};
