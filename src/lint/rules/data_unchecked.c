/* What the branch could not be asked. Found by lint/data.c. */
#include "lint/rule.h"

const LintRule rule_data_unchecked = {
    .name = "data-unchecked",
    .severity = LINT_WARNING,
    .why = "A rule about the data had no answer, so what it looks for may be there.",
    .instead = "See the message: often the table can't be read by readers, or it takes longer than "
               "the limit.",
    .bad = "ALTER TABLE secret ALTER COLUMN a SET NOT NULL;",
    .good = "ALTER TABLE open ALTER COLUMN a SET NOT NULL;",
    .data = "CREATE TABLE secret (a int);\n"
            "REVOKE ALL ON secret FROM PUBLIC;\n"
            "CREATE TABLE open (a int);\n"
            "GRANT SELECT ON open TO PUBLIC;",
};
