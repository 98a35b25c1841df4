/* Silencing takes a reason. Found by lint/ignore.c. */
#include "lint/rule.h"

const LintRule rule_ignore_reason = {
    .name = "ignore-reason",
    .severity = LINT_ERROR,
    .why = "A finding that is silenced without a reason can't be reviewed.",
    .instead = "Write the reason behind the name of the rule.",
    .bad = "-- bough:ignore drop-column\n"
           "ALTER TABLE parts DROP COLUMN inventory_code;",
    .good = "-- bough:ignore drop-column nobody reads it since release 41\n"
            "ALTER TABLE parts DROP COLUMN inventory_code;",
};
