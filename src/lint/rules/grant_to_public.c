/* A right for everybody. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__GrantStmt *grant = tree->grant_stmt;
  for (size_t at = 0; grant->is_grant && at < grant->n_grantees; at++) {
    const PgQuery__RoleSpec *role = SQL_NODE(grant->grantees[at], ROLE_SPEC, role_spec);
    if (role != NULL && role->roletype == PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_PUBLIC)
      lint_find(lint, role->location, "everybody is given a right");
  }
}

const LintRule rule_grant_to_public = {
    .name = "grant-to-public",
    .severity = LINT_WARNING,
    .why = "PUBLIC is everybody who can connect, today and later.",
    .instead = "Grant to a role.",
    .bad = "GRANT SELECT ON parts TO PUBLIC;",
    .good = "REVOKE ALL ON parts FROM PUBLIC;",
    .node = NODE(GRANT_STMT),
    .on_node = check,
};
