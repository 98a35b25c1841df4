/* An extension among the tables. */
#include "lint/rule.h"

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__CreateExtensionStmt *create = tree->create_extension_stmt;
  const PgQuery__DefElem *schema = tree_option(create->options, create->n_options, "schema");
  if (schema == NULL || lint_same_name(tree_string(schema->arg), "public"))
    lint_find(lint, -1, "extension %s goes among the tables", create->extname);
}

const LintRule rule_extension_in_public = {
    .name = "extension-in-public",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "Its functions and types stand among the application's own, in a schema where others "
           "may be able to create.",
    .instead = "CREATE EXTENSION ... SCHEMA extensions.",
    .bad = "CREATE EXTENSION pg_trgm SCHEMA public;",
    .good = "CREATE EXTENSION pg_trgm SCHEMA extensions;",
    .node = NODE(CREATE_EXTENSION_STMT),
    .on_node = check,
};
