/* An index dropped under an exclusive lock. */
#include "lint/rule.h"

/* An index of a new table keeps nobody waiting; which table it is on is known only then. */
static bool is_fresh(const Lint *lint, const char *name) {
  for (size_t at = 0; at < lint_at(lint); at++) {
    const PgQuery__IndexStmt *index = LINT_PART(lint, at, INDEX_STMT, index_stmt);
    if (index != NULL && lint_same_name(index->idxname, name))
      return lint_is_fresh(lint, index->relation);
  }
  return false;
}

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__DropStmt *drop = tree->drop_stmt;
  PgQuery__RangeVar index;
  if (drop->remove_type != OBJECT(INDEX) || drop->concurrent)
    return;
  for (size_t at = 0; at < drop->n_objects; at++)
    if (lint_dropped(drop->objects[at], &index) && !is_fresh(lint, index.relname))
      lint_find(lint, -1, "index %s is dropped under an exclusive lock", index.relname);
}

const LintRule rule_drop_index_not_concurrent = {
    .name = "drop-index-not-concurrent",
    .severity = LINT_WARNING,
    .why = "DROP INDEX needs an exclusive lock on the table: it waits for every transaction that "
           "uses it, and everybody else waits behind it.",
    .instead = "DROP INDEX CONCURRENTLY, outside of a transaction.",
    .refactoring = "Drop Index",
    .bad = "DROP INDEX parts_code;",
    .good = "DROP INDEX CONCURRENTLY parts_code;",
    .node = NODE(DROP_STMT),
    .on_node = check,
};
