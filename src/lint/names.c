/* Comparing what trees name. */
#include "lint/rule.h"

#include <string.h>

bool lint_same_name(const char *left, const char *right) {
  return left != NULL && right != NULL && strcmp(left, right) == 0;
}

bool lint_same_table(const PgQuery__RangeVar *left, const PgQuery__RangeVar *right) {
  if (left == NULL || right == NULL || strcmp(left->relname, right->relname) != 0)
    return false;
  return left->schemaname[0] == '\0' || right->schemaname[0] == '\0' ||
         strcmp(left->schemaname, right->schemaname) == 0;
}

bool lint_type_is(const PgQuery__TypeName *type, const char *name) {
  if (type == NULL || !lint_same_name(tree_name(type->names, type->n_names, 0), name))
    return false;
  return type->n_names == 1 ||
         (type->n_names == 2 && lint_same_name(tree_name(type->names, 2, 1), "pg_catalog"));
}

bool lint_dropped(const PgQuery__Node *object, PgQuery__RangeVar *ret) {
  static char unnamed[] = "";
  const PgQuery__List *list = SQL_NODE(object, LIST, list);
  size_t count = list == NULL ? 0 : list->n_items;
  if (count == 0 || tree_string(list->items[count - 1]) == NULL)
    return false;
  *ret = (PgQuery__RangeVar)PG_QUERY__RANGE_VAR__INIT;
  ret->relname = list->items[count - 1]->string->sval;
  ret->schemaname = unnamed;
  if (count > 1 && tree_string(list->items[count - 2]) != NULL)
    ret->schemaname = list->items[count - 2]->string->sval;
  return true;
}

bool lint_has_constraint(const PgQuery__ColumnDef *column, PgQuery__ConstrType type) {
  for (size_t at = 0; at < column->n_constraints; at++) {
    const PgQuery__Constraint *constraint =
        SQL_NODE(column->constraints[at], CONSTRAINT, constraint);
    if (constraint != NULL && constraint->contype == type)
      return true;
  }
  return false;
}
