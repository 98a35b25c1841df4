/* A definer function that finds names where its caller says. */
#include "lint/rule.h"

static bool sets_search_path(const PgQuery__CreateFunctionStmt *create) {
  for (size_t at = 0; at < create->n_options; at++) {
    const PgQuery__DefElem *option = SQL_NODE(create->options[at], DEF_ELEM, def_elem);
    const PgQuery__VariableSetStmt *set =
        option == NULL ? NULL : SQL_NODE(option->arg, VARIABLE_SET_STMT, variable_set_stmt);
    if (set != NULL && lint_same_name(set->name, "search_path"))
      return true;
  }
  return false;
}

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__CreateFunctionStmt *create = tree->create_function_stmt;
  const PgQuery__DefElem *security = tree_option(create->options, create->n_options, "security");
  if (security != NULL && tree_option_is_on(security) && !sets_search_path(create))
    lint_find(lint, security->location, "definer function %s has no search_path of its own",
              tree_name(create->funcname, create->n_funcname, 0));
}

const LintRule rule_definer_search_path = {
    .name = "definer-search-path",
    .severity = LINT_ERROR,
    .why = "A SECURITY DEFINER function without a search_path of its own looks names up in its "
           "caller's: whoever may call it can have it run their code with its owner's rights.",
    .instead = "SET search_path = pg_catalog, pg_temp, and names with their schema.",
    .bad = "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT "
           "count(*) FROM parts';",
    .good = "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path "
            "= pg_catalog, pg_temp AS 'SELECT count(*) FROM public.parts';",
    .node = NODE(CREATE_FUNCTION_STMT),
    .on_node = check,
};
