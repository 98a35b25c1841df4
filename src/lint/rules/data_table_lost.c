/* A dropped table that has rows, moved nowhere. */
#include "lint/rule.h"

typedef struct Reading {
  const PgQuery__RangeVar *table;
  bool found;
} Reading;

static bool visit(void *context, const ProtobufCMessage *message) {
  Reading *reading = context;
  if (message->descriptor == &pg_query__range_var__descriptor &&
      lint_same_table((const PgQuery__RangeVar *)(const void *)message, reading->table))
    reading->found = true;
  return !reading->found;
}

/* Whether a statement before that writes rows names the table as well. */
static bool is_moved(const Lint *lint, const PgQuery__RangeVar *table) {
  Reading reading = {.table = table};
  for (size_t at = 0; at < lint_at(lint) && !reading.found; at++) {
    const SqlPart *part = &lint_script(lint)->parts[at];
    if (part->flags & SQL_CODE)
      return true;
    if ((part->flags & SQL_WRITE) && (part->flags & SQL_DESTRUCTIVE) == 0)
      tree_walk_node(part->tree, visit, &reading);
  }
  return reading.found;
}

static void check_table(Lint *lint, const PgQuery__RangeVar *table) {
  bool has_rows = false;
  if (lint_is_fresh(lint, table) || is_moved(lint, table) || !lint_is_there(lint, table, NULL))
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, table);
  buffer_add_text(&sql, ")");
  if (lint_ask(lint, -1, sql.text, &has_rows) && has_rows)
    lint_find(lint, -1, "table %s has rows here that are moved nowhere", table->relname);
}

static void check(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__DropStmt *drop = tree->drop_stmt;
  PgQuery__RangeVar table;
  if (drop->remove_type != OBJECT(TABLE) || !lint_can_ask(lint))
    return;
  for (size_t at = 0; at < drop->n_objects; at++)
    if (lint_dropped(drop->objects[at], &table))
      check_table(lint, &table);
}

const LintRule rule_data_table_lost = {
    .name = "data-table-lost",
    .severity = LINT_ERROR,
    .why = "The table holds rows on this branch, and no statement before reads them into another "
           "place: they are lost.",
    .instead = "Move the rows first, then drop the table.",
    .refactoring = "Drop Table",
    .bad = "DROP TABLE parts;",
    .good = "DROP TABLE empty;",
    .data = LINT_PARTS,
    .node = NODE(DROP_STMT),
    .on_node = check,
};
