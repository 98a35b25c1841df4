/* Classification of statements: the table class.def, and a closer look where the kind of node alone
 * doesn't tell. */
#include "sql/classify.h"
#include "sql/sql.h"

#include <string.h>
#include <strings.h>

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name
#define OBJECT(name) PG_QUERY__OBJECT_TYPE__OBJECT_##name
#define CASCADES PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE

/* Adds to what the row says, or renames. */
typedef void Look(const PgQuery__Node *tree, SqlClass *class);

static unsigned flags_of_data_changes(const PgQuery__WithClause *with) {
  unsigned flags = 0;
  for (size_t at = 0; with != NULL && at < with->n_ctes; at++) {
    const PgQuery__CommonTableExpr *cte =
        SQL_NODE(with->ctes[at], COMMON_TABLE_EXPR, common_table_expr);
    if (cte != NULL && cte->ctequery != NULL)
      flags |= classify(cte->ctequery).flags & (SQL_WRITE | SQL_DESTRUCTIVE);
  }
  return flags;
}

static void look_at_alter_database(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__AlterDatabaseStmt *alter = tree->alter_database_stmt;
  if (tree_option(alter->options, alter->n_options, "tablespace") != NULL)
    class->flags |= SQL_OUTSIDE;
}

static void look_at_alter_enum(const PgQuery__Node *tree, SqlClass *class) {
  if (tree->alter_enum_stmt->old_val[0] == '\0')
    class->flags |= SQL_NEW_ENUM;
}

/* SECURITY DEFINER or INVOKER said outright, or settings that a definer function relies on. */
static bool has_security(PgQuery__Node *const *options, size_t count) {
  const PgQuery__DefElem *security = tree_option(options, count, "security");
  return security != NULL && tree_option_is_on(security);
}

static void look_at_alter_function(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__AlterFunctionStmt *alter = tree->alter_function_stmt;
  bool changes_rights = tree_option(alter->actions, alter->n_actions, "security") != NULL ||
                        tree_option(alter->actions, alter->n_actions, "set") != NULL ||
                        tree_option(alter->actions, alter->n_actions, "leakproof") != NULL;
  class->flags |= changes_rights ? SQL_RIGHTS : 0;
}

static void look_at_create_function(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__CreateFunctionStmt *create = tree->create_function_stmt;
  class->name = create->is_procedure ? "CREATE PROCEDURE" : class->name;
  if (has_security(create->options, create->n_options) ||
      tree_option(create->options, create->n_options, "leakproof") != NULL)
    class->flags |= SQL_RIGHTS;
}

static void look_at_alter_subscription(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__AlterSubscriptionStmt *alter = tree->alter_subscription_stmt;
  const PgQuery__DefElem *refresh = tree_option(alter->options, alter->n_options, "refresh");
  switch (alter->kind) {
  case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_REFRESH:
  case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_SET_PUBLICATION:
  case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_ADD_PUBLICATION:
  case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_DROP_PUBLICATION:
    class->flags |= refresh == NULL || tree_option_is_on(refresh) ? SQL_OUTSIDE : 0;
    break;
  default:
    break;
  }
}

static void look_at_create_subscription(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__CreateSubscriptionStmt *create = tree->create_subscription_stmt;
  const PgQuery__DefElem *connect = tree_option(create->options, create->n_options, "connect");
  const PgQuery__DefElem *slot = tree_option(create->options, create->n_options, "create_slot");
  bool connects = connect == NULL || tree_option_is_on(connect);
  class->flags |= connects && (slot == NULL || tree_option_is_on(slot)) ? SQL_OUTSIDE : 0;
}

/* Row security, owners and whose rights a view uses. Views that get options count too: an option
 * that isn't named keeps what it was, so only security_* matters. */
static bool sets_security_option(const PgQuery__AlterTableCmd *command) {
  const PgQuery__List *list = SQL_NODE(command->def, LIST, list);
  return list != NULL && (tree_option(list->items, list->n_items, "security_invoker") != NULL ||
                          tree_option(list->items, list->n_items, "security_barrier") != NULL);
}

static unsigned alter_table_flags(const PgQuery__AlterTableCmd *command) {
  static const struct {
    PgQuery__AlterTableType type;
    unsigned flags;
  } rows[] = {
      {AT(DropColumn), SQL_DESTRUCTIVE},
      {AT(ChangeOwner), SQL_RIGHTS},
      {AT(EnableRowSecurity), SQL_RIGHTS},
      {AT(DisableRowSecurity), SQL_RIGHTS},
      {AT(ForceRowSecurity), SQL_RIGHTS},
      {AT(NoForceRowSecurity), SQL_RIGHTS},
      {AT(DropExpression), 0},
      {AT(GenericOptions), SQL_RIGHTS},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    if (rows[at].type == command->subtype)
      return rows[at].flags;
  return sets_security_option(command) ? SQL_RIGHTS : 0;
}

static const char *alter_name(PgQuery__ObjectType type) {
  static const struct {
    PgQuery__ObjectType type;
    const char *name;
  } rows[] = {
      {OBJECT(INDEX), "ALTER INDEX"},       {OBJECT(VIEW), "ALTER VIEW"},
      {OBJECT(SEQUENCE), "ALTER SEQUENCE"}, {OBJECT(MATVIEW), "ALTER MATERIALIZED VIEW"},
      {OBJECT(TYPE), "ALTER TYPE"},         {OBJECT(FOREIGN_TABLE), "ALTER FOREIGN TABLE"},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    if (rows[at].type == type)
      return rows[at].name;
  return "ALTER TABLE";
}

static void look_at_alter_table(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__AlterTableStmt *alter = tree->alter_table_stmt;
  class->name = alter_name(alter->objtype);
  for (size_t at = 0; at < alter->n_cmds; at++) {
    const PgQuery__AlterTableCmd *command =
        SQL_NODE(alter->cmds[at], ALTER_TABLE_CMD, alter_table_cmd);
    if (command == NULL)
      continue;
    class->flags |= alter_table_flags(command);
    const PgQuery__PartitionCmd *partition = SQL_NODE(command->def, PARTITION_CMD, partition_cmd);
    if (command->subtype == AT(DetachPartition) && partition != NULL && partition->concurrent)
      class->flags |= SQL_OUTSIDE;
  }
}

static void look_at_cluster(const PgQuery__Node *tree, SqlClass *class) {
  class->flags |= tree->cluster_stmt->relation == NULL ? SQL_OUTSIDE : 0;
}

static void look_at_copy(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__CopyStmt *copy = tree->copy_stmt;
  class->flags |= copy->is_from ? SQL_WRITE : SQL_READ;
  if (copy->is_program || copy->filename[0] != '\0')
    class->flags |= SQL_SERVER_FILE;
  else if (copy->is_from)
    class->flags |= SQL_COPY_STDIN;
  if (copy->query != NULL)
    class->flags |= classify(copy->query).flags & (SQL_WRITE | SQL_DESTRUCTIVE);
}

static void look_at_create_schema(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__CreateSchemaStmt *create = tree->create_schema_stmt;
  class->flags |= create->authrole != NULL ? SQL_RIGHTS : 0;
  for (size_t at = 0; at < create->n_schema_elts; at++)
    class->flags |= classify(create->schema_elts[at]).flags;
}

static void look_at_create_table_as(const PgQuery__Node *tree, SqlClass *class) {
  if (tree->create_table_as_stmt->objtype == OBJECT(MATVIEW))
    class->name = "CREATE MATERIALIZED VIEW";
}

static void look_at_delete(const PgQuery__Node *tree, SqlClass *class) {
  class->flags |= tree->delete_stmt->where_clause == NULL ? SQL_DESTRUCTIVE : 0;
  class->flags |= flags_of_data_changes(tree->delete_stmt->with_clause);
}

static void look_at_insert(const PgQuery__Node *tree, SqlClass *class) {
  class->flags |= flags_of_data_changes(tree->insert_stmt->with_clause);
}

static void look_at_update(const PgQuery__Node *tree, SqlClass *class) {
  class->flags |= flags_of_data_changes(tree->update_stmt->with_clause);
}

static void look_at_discard(const PgQuery__Node *tree, SqlClass *class) {
  if (tree->discard_stmt->target == PG_QUERY__DISCARD_MODE__DISCARD_ALL)
    class->flags |= SQL_OUTSIDE;
}

static void look_at_drop(const PgQuery__Node *tree, SqlClass *class) {
  static const struct {
    PgQuery__ObjectType type;
    const char *name;
    unsigned flags;
  } rows[] = {
      {OBJECT(TABLE), "DROP TABLE", SQL_DESTRUCTIVE},
      {OBJECT(SCHEMA), "DROP SCHEMA", SQL_DESTRUCTIVE},
      {OBJECT(SEQUENCE), "DROP SEQUENCE", SQL_DESTRUCTIVE},
      {OBJECT(TYPE), "DROP TYPE", 0},
      {OBJECT(DOMAIN), "DROP DOMAIN", 0},
      {OBJECT(MATVIEW), "DROP MATERIALIZED VIEW", 0},
      {OBJECT(VIEW), "DROP VIEW", 0},
      {OBJECT(INDEX), "DROP INDEX", 0},
      {OBJECT(FUNCTION), "DROP FUNCTION", 0},
      {OBJECT(PROCEDURE), "DROP PROCEDURE", 0},
      {OBJECT(TRIGGER), "DROP TRIGGER", 0},
      {OBJECT(RULE), "DROP RULE", 0},
      {OBJECT(POLICY), "DROP POLICY", SQL_RIGHTS},
      {OBJECT(EVENT_TRIGGER), "DROP EVENT TRIGGER", SQL_RIGHTS},
      {OBJECT(EXTENSION), "DROP EXTENSION", SQL_RIGHTS | SQL_DESTRUCTIVE},
      {OBJECT(LANGUAGE), "DROP LANGUAGE", SQL_RIGHTS},
      {OBJECT(FOREIGN_SERVER), "DROP SERVER", SQL_RIGHTS},
      {OBJECT(FDW), "DROP FOREIGN DATA WRAPPER", SQL_RIGHTS},
      {OBJECT(FOREIGN_TABLE), "DROP FOREIGN TABLE", SQL_RIGHTS},
      {OBJECT(ACCESS_METHOD), "DROP ACCESS METHOD", SQL_RIGHTS},
      {OBJECT(TRANSFORM), "DROP TRANSFORM", SQL_RIGHTS},
  };
  const PgQuery__DropStmt *drop = tree->drop_stmt;
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    if (rows[at].type == drop->remove_type) {
      class->name = rows[at].name;
      class->flags |= rows[at].flags;
    }
  }
  bool is_index = drop->remove_type == OBJECT(INDEX);
  class->flags |= is_index && drop->concurrent ? SQL_OUTSIDE : 0;
  class->flags |= drop->behavior == CASCADES && !is_index ? SQL_DESTRUCTIVE : 0;
}

static void look_at_explain(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__ExplainStmt *explain = tree->explain_stmt;
  const PgQuery__DefElem *analyze = tree_option(explain->options, explain->n_options, "analyze");
  if (tree_option_is_on(analyze) && explain->query != NULL)
    class->flags |= classify(explain->query).flags;
}

static void look_at_prepare(const PgQuery__Node *tree, SqlClass *class) {
  if (tree->prepare_stmt->query != NULL)
    class->flags |= classify(tree->prepare_stmt->query).flags;
}

static void look_at_index(const PgQuery__Node *tree, SqlClass *class) {
  class->flags |= tree->index_stmt->concurrent ? SQL_OUTSIDE : 0;
}

static void look_at_reindex(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__ReindexStmt *reindex = tree->reindex_stmt;
  bool is_one = reindex->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX ||
                reindex->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_TABLE;
  bool concurrently =
      tree_option_is_on(tree_option(reindex->params, reindex->n_params, "concurrently"));
  class->flags |= !is_one || concurrently ? SQL_OUTSIDE : 0;
}

static void look_at_rename(const PgQuery__Node *tree, SqlClass *class) {
  PgQuery__ObjectType type = tree->rename_stmt->rename_type;
  if (type == OBJECT(ROLE) || type == OBJECT(POLICY) || type == OBJECT(DATABASE))
    class->flags |= SQL_RIGHTS;
}

static void look_at_select(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__SelectStmt *select = tree->select_stmt;
  class->flags |= flags_of_data_changes(select->with_clause);
  const PgQuery__SelectStmt *first = select;
  while (first->larg != NULL)
    first = first->larg;
  if (first->into_clause != NULL) {
    class->name = "SELECT INTO";
    class->flags = (class->flags & ~(unsigned)SQL_READ) | SQL_DDL | SQL_WRITE;
  }
}

static void look_at_transaction(const PgQuery__Node *tree, SqlClass *class) {
  static const struct {
    PgQuery__TransactionStmtKind kind;
    const char *name;
    unsigned flags;
  } rows[] = {
#define ROW(kind, name, flags) {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_##kind, name, flags},
      ROW(BEGIN, "BEGIN", 0) ROW(START, "START TRANSACTION", 0) ROW(COMMIT, "COMMIT", 0)
          ROW(ROLLBACK, "ROLLBACK", 0) ROW(SAVEPOINT, "SAVEPOINT", 0) ROW(RELEASE, "RELEASE", 0)
              ROW(ROLLBACK_TO, "ROLLBACK TO", 0) ROW(PREPARE, "PREPARE TRANSACTION", 0)
                  ROW(COMMIT_PREPARED, "COMMIT PREPARED", SQL_OUTSIDE)
                      ROW(ROLLBACK_PREPARED, "ROLLBACK PREPARED", SQL_OUTSIDE)
#undef ROW
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    if (rows[at].kind == tree->transaction_stmt->kind) {
      class->name = rows[at].name;
      class->flags |= rows[at].flags;
    }
  }
}

static void look_at_vacuum(const PgQuery__Node *tree, SqlClass *class) {
  if (tree->vacuum_stmt->is_vacuumcmd)
    class->flags |= SQL_OUTSIDE;
  else
    class->name = "ANALYZE";
}

static void look_at_view(const PgQuery__Node *tree, SqlClass *class) {
  const PgQuery__ViewStmt *view = tree->view_stmt;
  if (tree_option(view->options, view->n_options, "security_invoker") != NULL ||
      tree_option(view->options, view->n_options, "security_barrier") != NULL)
    class->flags |= SQL_RIGHTS;
}

static const struct {
  PgQuery__Node__NodeCase node_case;
  const char *name;
  unsigned flags;
  Look *look;
} rows_of_classes[] = {
#define CLASS(node_case, name, flags, look) {PG_QUERY__NODE__NODE_##node_case, name, flags, look},
#include "sql/class.def"
#undef CLASS
};

SqlClass classify(const PgQuery__Node *tree) {
  for (size_t at = 0; at < ARRAY_LENGTH(rows_of_classes); at++) {
    if (rows_of_classes[at].node_case != tree->node_case)
      continue;
    SqlClass class = {rows_of_classes[at].name, rows_of_classes[at].flags};
    if (rows_of_classes[at].look != NULL)
      rows_of_classes[at].look(tree, &class);
    return class;
  }
  return (SqlClass){"statement", SQL_DDL | SQL_RIGHTS};
}
