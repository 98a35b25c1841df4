/* A password in a migration. */
#include "lint/rule.h"

static bool has_password(const PgQuery__Node *node) {
  const PgQuery__CreateRoleStmt *create = SQL_NODE(node, CREATE_ROLE_STMT, create_role_stmt);
  const PgQuery__AlterRoleStmt *alter = SQL_NODE(node, ALTER_ROLE_STMT, alter_role_stmt);
  const PgQuery__CreateUserMappingStmt *mapping =
      SQL_NODE(node, CREATE_USER_MAPPING_STMT, create_user_mapping_stmt);
  const PgQuery__DefElem *option = NULL;
  if (create != NULL)
    option = tree_option(create->options, create->n_options, "password");
  else if (alter != NULL)
    option = tree_option(alter->options, alter->n_options, "password");
  else if (mapping != NULL)
    option = tree_option(mapping->options, mapping->n_options, "password");
  return option != NULL && option->arg != NULL;
}

static void check(Lint *lint, const SqlPart *part) {
  if (has_password(part->tree))
    lint_find(lint, -1, "%s holds a password", part->name);
}

const LintRule rule_password_in_file = {
    .name = "password-in-file",
    .severity = LINT_ERROR,
    .why = "The file is kept in version control, and the statement can end up in the server's log.",
    .instead = "Create the role without a password, and set it elsewhere.",
    .bad = "CREATE ROLE reporting LOGIN PASSWORD 'geheim';",
    .good = "CREATE ROLE reporting NOLOGIN;",
    .on_statement = check,
};
