/* Silencing what there is no rule for. Found by lint/ignore.c. */
#include "lint/rule.h"

const LintRule rule_ignore_unknown = {
    .name = "ignore-unknown",
    .severity = LINT_ERROR,
    .why = "No rule has that name, so nothing is silenced: probably it is misspelt.",
    .instead = "Use a name of this page.",
    .bad = "-- bough:ignore drop-colum nobody reads it\n"
           "ALTER TABLE parts ADD COLUMN weight numeric;",
    .good = "-- bough:ignore drop-column nobody reads it\n"
            "ALTER TABLE parts DROP COLUMN inventory_code;",
};
