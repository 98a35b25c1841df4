/* A column named twice. */
#include "lint/rule.h"

enum { NAMES_LIMIT = 1600 /* columns that a table can have */ };

typedef struct Names {
  const char *names[NAMES_LIMIT];
  const PgQuery__Node
      *parts[NAMES_LIMIT]; /* of .x or [1] behind the name, NULL: the whole column */
  size_t count;
} Names;

/* One part of a composite and another one can be assigned, the whole and a part can't. */
static bool same_part(const PgQuery__Node *left, const PgQuery__Node *right) {
  if (left == NULL || right == NULL)
    return true;
  return tree_string(left) != NULL && lint_same_name(tree_string(left), tree_string(right));
}

static void add_name(Lint *lint, Names *names, const char *name, const PgQuery__Node *part,
                     int location) {
  for (size_t at = 0; at < names->count; at++) {
    if (lint_same_name(names->names[at], name) && same_part(names->parts[at], part)) {
      lint_find(lint, location, "column %s is named twice", name);
      return;
    }
  }
  if (names->count < NAMES_LIMIT && name != NULL && name[0] != '\0') {
    names->parts[names->count] = part;
    names->names[names->count++] = name;
  }
}

static void check_targets(Lint *lint, PgQuery__Node *const *targets, size_t count) {
  Names names = {.count = 0};
  for (size_t at = 0; at < count; at++) {
    const PgQuery__ResTarget *target = SQL_NODE(targets[at], RES_TARGET, res_target);
    if (target != NULL)
      add_name(lint, &names, target->name,
               target->n_indirection > 0 ? target->indirection[0] : NULL, target->location);
  }
}

/* What a column of a SELECT will be called where the parser can tell. */
static const char *output_name(const PgQuery__ResTarget *target) {
  const PgQuery__ColumnRef *reference = SQL_NODE(target->val, COLUMN_REF, column_ref);
  const PgQuery__FuncCall *call = SQL_NODE(target->val, FUNC_CALL, func_call);
  if (target->name[0] != '\0')
    return target->name;
  if (reference != NULL)
    return tree_name(reference->fields, reference->n_fields, 0);
  if (call != NULL)
    return tree_name(call->funcname, call->n_funcname, 0);
  bool unnamed = SQL_NODE(target->val, A_CONST, a_const) != NULL ||
                 SQL_NODE(target->val, A_EXPR, a_expr) != NULL;
  return unnamed ? "?column?" : NULL;
}

static void check_outputs(Lint *lint, const PgQuery__SelectStmt *select,
                          PgQuery__Node *const *aliases, size_t alias_count) {
  Names names = {.count = 0};
  for (size_t at = 0; at < alias_count; at++)
    add_name(lint, &names, tree_string(aliases[at]), NULL, -1);
  for (size_t at = alias_count; select != NULL && at < select->n_target_list; at++) {
    const PgQuery__ResTarget *target = SQL_NODE(select->target_list[at], RES_TARGET, res_target);
    if (target != NULL)
      add_name(lint, &names, output_name(target), NULL, target->location);
  }
}

static void check_columns(Lint *lint, const PgQuery__CreateStmt *create) {
  Names names = {.count = 0};
  for (size_t at = 0; at < create->n_table_elts; at++) {
    const PgQuery__ColumnDef *column = SQL_NODE(create->table_elts[at], COLUMN_DEF, column_def);
    if (column != NULL)
      add_name(lint, &names, column->colname, NULL, column->location);
  }
}

static void check_merge(Lint *lint, const PgQuery__MergeStmt *merge) {
  for (size_t at = 0; at < merge->n_merge_when_clauses; at++) {
    const PgQuery__MergeWhenClause *when =
        SQL_NODE(merge->merge_when_clauses[at], MERGE_WHEN_CLAUSE, merge_when_clause);
    if (when != NULL)
      check_targets(lint, when->target_list, when->n_target_list);
  }
}

static void check_insert(Lint *lint, const PgQuery__InsertStmt *insert) {
  check_targets(lint, insert->cols, insert->n_cols);
  if (insert->on_conflict_clause != NULL)
    check_targets(lint, insert->on_conflict_clause->target_list,
                  insert->on_conflict_clause->n_target_list);
}

static const PgQuery__SelectStmt *first_select(const PgQuery__Node *node) {
  const PgQuery__SelectStmt *select = SQL_NODE(node, SELECT_STMT, select_stmt);
  while (select != NULL && select->larg != NULL)
    select = select->larg;
  return select;
}

static void check(Lint *lint, const SqlPart *part) {
  const PgQuery__Node *tree = part->tree;
  const PgQuery__SelectStmt *select = first_select(tree);
  if (tree == NULL)
    return;
  switch (tree->node_case) {
  case NODE(UPDATE_STMT):
    check_targets(lint, tree->update_stmt->target_list, tree->update_stmt->n_target_list);
    break;
  case NODE(INSERT_STMT):
    check_insert(lint, tree->insert_stmt);
    break;
  case NODE(MERGE_STMT):
    check_merge(lint, tree->merge_stmt);
    break;
  case NODE(CREATE_STMT):
    check_columns(lint, tree->create_stmt);
    break;
  case NODE(CREATE_FOREIGN_TABLE_STMT):
    check_columns(lint, tree->create_foreign_table_stmt->base_stmt);
    break;
  case NODE(VIEW_STMT):
    check_outputs(lint, first_select(tree->view_stmt->query), tree->view_stmt->aliases,
                  tree->view_stmt->n_aliases);
    break;
  case NODE(SELECT_STMT):
    if (select->into_clause != NULL)
      check_outputs(lint, select, NULL, 0);
    break;
  default:
    break;
  }
}

const LintRule rule_duplicate_column = {
    .name = "duplicate-column",
    .severity = LINT_ERROR,
    .why = "PostgreSQL refuses the statement: a column can be defined, inserted or assigned once "
           "only.",
    .instead = "Name each column once.",
    .bad = "UPDATE parts SET weight = 1, weight = 2 WHERE id = 1;",
    .good = "UPDATE parts SET weight = 2 WHERE id = 1;",
    .on_statement = check,
};
