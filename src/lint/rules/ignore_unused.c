/* Silencing that silences nothing. Found by lint/ignore.c. */
#include "lint/rule.h"

const LintRule rule_ignore_unused = {
    .name = "ignore-unused",
    .severity = LINT_WARNING,
    .why = "The rule finds nothing at this place. A comment that stays behind would silence it "
           "later, unseen.",
    .instead = "Remove the comment.",
    .bad = "-- bough:ignore drop-column nobody reads it\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric;",
};
