/* What a rule can know of the statements before: the transaction, new tables, settings, writes. */
#include "lint/engine.h"

#include <string.h>
#include <strings.h>

const SqlScript *lint_script(const Lint *lint) {
  return lint->script;
}

bool lint_look(const Lint *lint) {
  if (*lint->looks > 0)
    (*lint->looks)--;
  return *lint->looks > 0;
}

const SqlScript *lint_undo(const Lint *lint) {
  return lint->undo;
}

bool lint_undo_is_known(const Lint *lint) {
  return lint->input->undo_is_known;
}

size_t lint_at(const Lint *lint) {
  return lint->at;
}

size_t lint_transaction_start(const Lint *lint) {
  return lint->transaction_start;
}

bool lint_in_transaction(const Lint *lint) {
  return lint->in_transaction;
}

bool lint_is_transaction_given(const Lint *lint) {
  return lint->is_transaction_given;
}

bool lint_has_setting(const Lint *lint, const char *name) {
  return strcmp(name, "lock_timeout") == 0 ? lint->lock_timeout : lint->statement_timeout;
}

static bool is_named(const LintName *name, const PgQuery__RangeVar *table) {
  bool same_schema = name->schema[0] == '\0' || table->schemaname[0] == '\0' ||
                     strcmp(name->schema, table->schemaname) == 0;
  return same_schema && strcmp(name->name, table->relname) == 0;
}

bool lint_must_be_idempotent(const Lint *lint) {
  return lint->options->idempotent;
}

bool lint_is_fresh(const Lint *lint, const PgQuery__RangeVar *table) {
  for (size_t at = 0; table != NULL && at < lint->fresh_count && lint_look(lint); at++)
    if (is_named(&lint->fresh[at], table))
      return true;
  return false;
}

static void add_fresh(Lint *lint, const char *schema, const char *name) {
  if (lint->fresh_count == lint->fresh_capacity) {
    lint->fresh_capacity = lint->fresh_capacity * 2 + 8;
    lint->fresh = mem_resize(lint->fresh, lint->fresh_capacity, sizeof(LintName));
  }
  lint->fresh[lint->fresh_count++] = (LintName){schema, name};
}

/* CREATE TABLE IF NOT EXISTS may have found one that has rows, but then the statements behind it
 * are meant for a new one all the same. */
static void note_created(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RangeVar *table = NULL;
  const PgQuery__CreateStmt *create = SQL_NODE(tree, CREATE_STMT, create_stmt);
  const PgQuery__CreateTableAsStmt *as = SQL_NODE(tree, CREATE_TABLE_AS_STMT, create_table_as_stmt);
  const PgQuery__SelectStmt *select = SQL_NODE(tree, SELECT_STMT, select_stmt);
  const PgQuery__CreateSchemaStmt *schema = SQL_NODE(tree, CREATE_SCHEMA_STMT, create_schema_stmt);
  if (create != NULL)
    table = create->relation;
  else if (as != NULL && as->into != NULL)
    table = as->into->rel;
  else if (select != NULL && select->into_clause != NULL)
    table = select->into_clause->rel;
  if (table != NULL)
    add_fresh(lint, table->schemaname, table->relname);
  for (size_t at = 0; schema != NULL && at < schema->n_schema_elts; at++)
    note_created(lint, schema->schema_elts[at]);
}

/* A new table that is renamed stays a new table. */
static void note_renamed(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__RenameStmt *rename = SQL_NODE(tree, RENAME_STMT, rename_stmt);
  if (rename != NULL && rename->rename_type == OBJECT(TABLE) && rename->relation != NULL &&
      lint_is_fresh(lint, rename->relation))
    add_fresh(lint, rename->relation->schemaname, rename->newname);
}

static void note_transaction(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__TransactionStmt *statement = SQL_NODE(tree, TRANSACTION_STMT, transaction_stmt);
  if (statement == NULL)
    return;
  switch (statement->kind) {
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
    lint->in_transaction = true;
    lint->transaction_start = lint->at + 1;
    break;
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
  case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE:
    lint->in_transaction = statement->chain;
    lint->transaction_start = lint->at + 1;
    break;
  default:
    break;
  }
}

static void note_setting(Lint *lint, const PgQuery__Node *tree) {
  const PgQuery__VariableSetStmt *set = SQL_NODE(tree, VARIABLE_SET_STMT, variable_set_stmt);
  if (set == NULL || set->kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE)
    return;
  lint->lock_timeout = lint->lock_timeout || strcasecmp(set->name, "lock_timeout") == 0;
  lint->statement_timeout =
      lint->statement_timeout || strcasecmp(set->name, "statement_timeout") == 0;
}

void facts_advance(Lint *lint) {
  const PgQuery__Node *tree = lint->script->parts[lint->at].tree;
  if (tree == NULL)
    return;
  note_created(lint, tree);
  note_renamed(lint, tree);
  note_transaction(lint, tree);
  note_setting(lint, tree);
}

static const PgQuery__RangeVar *written_table(const PgQuery__Node *tree) {
  const PgQuery__InsertStmt *insert = SQL_NODE(tree, INSERT_STMT, insert_stmt);
  const PgQuery__UpdateStmt *update = SQL_NODE(tree, UPDATE_STMT, update_stmt);
  const PgQuery__DeleteStmt *delete = SQL_NODE(tree, DELETE_STMT, delete_stmt);
  const PgQuery__MergeStmt *merge = SQL_NODE(tree, MERGE_STMT, merge_stmt);
  const PgQuery__CopyStmt *copy = SQL_NODE(tree, COPY_STMT, copy_stmt);
  if (insert != NULL)
    return insert->relation;
  if (update != NULL)
    return update->relation;
  if (delete != NULL)
    return delete->relation;
  if (merge != NULL)
    return merge->relation;
  return copy != NULL && copy->is_from ? copy->relation : NULL;
}

bool lint_writes_before(const Lint *lint, const PgQuery__RangeVar *table) {
  for (size_t at = 0; at < lint->at && lint_look(lint); at++) {
    const SqlPart *part = &lint->script->parts[at];
    const PgQuery__RangeVar *written = written_table(part->tree);
    if (written != NULL && lint_same_table(written, table))
      return true;
    const PgQuery__TruncateStmt *truncate = SQL_NODE(part->tree, TRUNCATE_STMT, truncate_stmt);
    for (size_t of = 0; truncate != NULL && of < truncate->n_relations; of++)
      if (lint_same_table(SQL_NODE(truncate->relations[of], RANGE_VAR, range_var), table))
        return true;
    if (part->flags & SQL_CODE)
      return true; /* it may have */
  }
  return false;
}

typedef struct Wanted {
  const char *column;
  bool found;
} Wanted;

static bool visit_column(void *context, const ProtobufCMessage *message) {
  Wanted *wanted = context;
  if (message->descriptor == &pg_query__column_ref__descriptor) {
    const PgQuery__ColumnRef *reference = (const PgQuery__ColumnRef *)(const void *)message;
    const PgQuery__Node *last =
        reference->n_fields > 0 ? reference->fields[reference->n_fields - 1] : NULL;
    const char *name = tree_string(last);
    bool all = SQL_NODE(last, A_STAR, a_star) != NULL;
    wanted->found = wanted->found || all || (name != NULL && strcmp(name, wanted->column) == 0);
  }
  return !wanted->found;
}

bool lint_reads_before(const Lint *lint, const char *column) {
  Wanted wanted = {.column = column};
  for (size_t at = 0; at < lint->at && !wanted.found && lint_look(lint); at++) {
    const SqlPart *part = &lint->script->parts[at];
    if (part->flags & SQL_CODE)
      return true; /* what a DO block moves can't be seen */
    if (part->flags & SQL_WRITE)
      tree_walk_node(part->tree, visit_column, &wanted);
  }
  return wanted.found;
}
