/* A change of rights. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  if (part->flags & SQL_RIGHTS)
    lint_find(lint, -1, "%s changes who may do what", part->name);
}

const LintRule rule_rights_change = {
    .name = "rights-change",
    .severity = LINT_WARNING,
    .why = "Who may do what changes with it: applying needs the right migration.privilege, and "
           "reviewers should know.",
    .instead = "Keep it in a migration of its own; silence the rule with the reason.",
    .bad = "GRANT SELECT ON parts TO reporting;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .on_statement = check,
};
