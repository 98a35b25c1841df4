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

bool lint_dropped_name(const PgQuery__Node *object, const char **ret_schema,
                       const char **ret_name) {
  const PgQuery__List *list = SQL_NODE(object, LIST, list);
  const char *name = list == NULL ? NULL : tree_name(list->items, list->n_items, 0);
  const char *schema = list == NULL ? NULL : tree_name(list->items, list->n_items, 1);
  if (name == NULL)
    return false;
  *ret_name = name;
  *ret_schema = schema == NULL ? "" : schema;
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

typedef struct Search {
  const ProtobufCMessageDescriptor *descriptor;
  bool found;
} Search;

static bool visit(void *context, const ProtobufCMessage *message) {
  Search *search = context;
  search->found = search->found || message->descriptor == search->descriptor;
  return !search->found;
}

bool lint_contains(const PgQuery__Node *node, const ProtobufCMessageDescriptor *descriptor) {
  Search search = {.descriptor = descriptor};
  tree_walk_node(node, visit, &search);
  return search.found;
}
