/* A foreign key whose column has no index. */
#include "lint/rule.h"

static const char *first_column(const PgQuery__Constraint *constraint,
                                const PgQuery__ColumnDef *column) {
  return column != NULL
             ? column->colname
             : tree_name(constraint->fk_attrs, constraint->n_fk_attrs, constraint->n_fk_attrs - 1);
}

/* An index whose first column it is: made by statements of this migration. */
static bool is_indexed(const Lint *lint, const LintTarget *target, const char *column) {
  const SqlScript *script = lint_script(lint);
  for (size_t at = 0; at < script->count; at++) {
    const PgQuery__IndexStmt *index = LINT_PART(lint, at, INDEX_STMT, index_stmt);
    if (index == NULL || !lint_same_table(index->relation, target->table))
      continue;
    const PgQuery__IndexElem *element = SQL_NODE(index->index_params[0], INDEX_ELEM, index_elem);
    if (element != NULL && lint_same_name(element->name, column))
      return true;
  }
  return false;
}

static bool is_key(const PgQuery__Node *node, const char *column) {
  const PgQuery__Constraint *constraint = SQL_NODE(node, CONSTRAINT, constraint);
  return constraint != NULL &&
         (constraint->contype == CONSTRAINT(PRIMARY) ||
          constraint->contype == CONSTRAINT(UNIQUE)) &&
         lint_same_name(tree_name(constraint->keys, constraint->n_keys, constraint->n_keys - 1),
                        column);
}

static bool is_key_of_table(const Lint *lint, const LintTarget *target, const char *column) {
  const PgQuery__CreateStmt *create = LINT_PART(lint, lint_at(lint), CREATE_STMT, create_stmt);
  for (size_t at = 0; create != NULL && !target->alters && at < create->n_table_elts; at++)
    if (is_key(create->table_elts[at], column))
      return true;
  return false;
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  if (constraint->contype != CONSTRAINT(FOREIGN))
    return;
  const char *name = first_column(constraint, column);
  bool is_unique = column != NULL && (lint_has_constraint(column, CONSTRAINT(PRIMARY)) ||
                                      lint_has_constraint(column, CONSTRAINT(UNIQUE)));
  if (name != NULL && !is_unique && !is_indexed(lint, target, name) &&
      !is_key_of_table(lint, target, name))
    lint_find(lint, constraint->location, "no index of %s begins with %s", target->table->relname,
              name);
}

const LintRule rule_foreign_key_without_index = {
    .name = "foreign-key-without-index",
    .severity = LINT_WARNING,
    .taste = true,
    .why = "Deleting or changing a row that is referred to reads the whole referring table, for "
           "every such row.",
    .instead = "Index the column in the same migration.",
    .refactoring = "Introduce Index",
    .bad = "CREATE TABLE prices (id bigint PRIMARY KEY, part bigint REFERENCES parts (id));",
    .good = "CREATE TABLE prices (id bigint PRIMARY KEY, part bigint REFERENCES parts (id));\n"
            "CREATE INDEX ON prices (part);",
    .on_constraint = check,
};
