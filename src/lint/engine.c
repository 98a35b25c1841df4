/* One file through all rules: which of them is called for which piece of a statement. */
#include "lint/engine.h"

#include <string.h>

enum { LOOKS_LIMIT = 10 * 1000 * 1000 };

static bool applies(const Lint *lint, const LintRule *rule) {
  const LintOptions *options = lint->options;
  if (rule->needs_idempotence)
    return options->idempotent || options->taste;
  return !rule->taste || options->taste;
}

/* The rules that apply, one after the other as lint->rule. */
static const LintRule *next_rule(Lint *lint, size_t *at) {
  while (*at < lint_rule_count()) {
    lint->rule = lint_rule((*at)++);
    if (applies(lint, lint->rule))
      return lint->rule;
  }
  return NULL;
}

static void pass_statement(Lint *lint, const SqlPart *part) {
  const LintRule *rule = NULL;
  for (size_t at = 0; (rule = next_rule(lint, &at)) != NULL;)
    if (rule->on_statement != NULL)
      rule->on_statement(lint, part);
}

static void pass_node(Lint *lint, const PgQuery__Node *tree) {
  const LintRule *rule = NULL;
  for (size_t at = 0; (rule = next_rule(lint, &at)) != NULL;)
    if (rule->on_node != NULL && rule->node == tree->node_case)
      rule->on_node(lint, tree);
}

static void pass_constraint(Lint *lint, const LintTarget *target, const PgQuery__Node *node,
                            const PgQuery__ColumnDef *column) {
  const PgQuery__Constraint *constraint = SQL_NODE(node, CONSTRAINT, constraint);
  const LintRule *rule = NULL;
  if (constraint == NULL)
    return;
  for (size_t at = 0; (rule = next_rule(lint, &at)) != NULL;)
    if (rule->on_constraint != NULL)
      rule->on_constraint(lint, target, constraint, column);
}

static void pass_type(Lint *lint, const char *column, const PgQuery__TypeName *type) {
  const LintRule *rule = NULL;
  if (type == NULL)
    return;
  for (size_t at = 0; (rule = next_rule(lint, &at)) != NULL;)
    if (rule->on_type != NULL)
      rule->on_type(lint, column, type);
}

static void pass_column(Lint *lint, const LintTarget *target, const PgQuery__Node *node) {
  const PgQuery__ColumnDef *column = SQL_NODE(node, COLUMN_DEF, column_def);
  const LintRule *rule = NULL;
  if (column == NULL)
    return;
  for (size_t at = 0; (rule = next_rule(lint, &at)) != NULL;)
    if (rule->on_column != NULL)
      rule->on_column(lint, target, column);
  pass_type(lint, column->colname, column->type_name);
  for (size_t at = 0; at < column->n_constraints; at++)
    pass_constraint(lint, target, column->constraints[at], column);
}

static void pass_command(Lint *lint, const LintTarget *target,
                         const PgQuery__AlterTableCmd *command) {
  const LintRule *rule = NULL;
  for (size_t at = 0; (rule = next_rule(lint, &at)) != NULL;)
    if (rule->on_command != NULL)
      rule->on_command(lint, target, command);
  const PgQuery__ColumnDef *column = SQL_NODE(command->def, COLUMN_DEF, column_def);
  if (command->subtype == AT(AlterColumnType) && column != NULL)
    pass_type(lint, command->name, column->type_name);
  if (command->subtype == AT(AddColumn))
    pass_column(lint, target, command->def);
  else if (command->subtype == AT(AddConstraint))
    pass_constraint(lint, target, command->def, NULL);
}

static void pass_create(Lint *lint, const PgQuery__CreateStmt *create) {
  LintTarget target = {.table = create->relation, .fresh = true};
  if (create->relation == NULL)
    return;
  for (size_t at = 0; at < create->n_table_elts; at++) {
    pass_column(lint, &target, create->table_elts[at]);
    pass_constraint(lint, &target, create->table_elts[at], NULL);
  }
}

static void pass_alter(Lint *lint, const PgQuery__AlterTableStmt *alter) {
  bool is_table = alter->objtype == OBJECT(TABLE) || alter->objtype == OBJECT(FOREIGN_TABLE);
  if (!is_table || alter->relation == NULL)
    return;
  LintTarget target = {
      .table = alter->relation, .fresh = lint_is_fresh(lint, alter->relation), .alters = true};
  for (size_t at = 0; at < alter->n_cmds; at++) {
    const PgQuery__AlterTableCmd *command =
        SQL_NODE(alter->cmds[at], ALTER_TABLE_CMD, alter_table_cmd);
    if (command != NULL)
      pass_command(lint, &target, command);
  }
}

static void pass_tree(Lint *lint, const PgQuery__Node *tree) {
  pass_node(lint, tree);
  const PgQuery__CreateStmt *create = SQL_NODE(tree, CREATE_STMT, create_stmt);
  const PgQuery__CreateForeignTableStmt *foreign =
      SQL_NODE(tree, CREATE_FOREIGN_TABLE_STMT, create_foreign_table_stmt);
  const PgQuery__AlterTableStmt *alter = SQL_NODE(tree, ALTER_TABLE_STMT, alter_table_stmt);
  const PgQuery__CreateSchemaStmt *schema = SQL_NODE(tree, CREATE_SCHEMA_STMT, create_schema_stmt);
  if (foreign != NULL)
    create = foreign->base_stmt;
  if (create != NULL)
    pass_create(lint, create);
  if (alter != NULL)
    pass_alter(lint, alter);
  for (size_t at = 0; schema != NULL && at < schema->n_schema_elts; at++)
    pass_tree(lint, schema->schema_elts[at]);
}

static void pass_end(Lint *lint) {
  const LintRule *rule = NULL;
  for (size_t at = 0; (rule = next_rule(lint, &at)) != NULL;)
    if (rule->on_end != NULL)
      rule->on_end(lint);
}

static bool pass_script(Lint *lint, Error *err) {
  for (lint->at = 0; lint->at<lint->script->count && * lint->looks> 0; lint->at++) {
    const SqlPart *part = &lint->script->parts[lint->at];
    pass_statement(lint, part);
    if (part->tree != NULL)
      pass_tree(lint, part->tree);
    facts_advance(lint);
  }
  pass_end(lint);
  return *lint->looks > 0 ||
         error_set(err, ERROR_TOO_LARGE, "%s has too many statements that depend on each other",
                   lint->input->file);
}

static int compare_places(const void *left, const void *right) {
  const LintFinding *a = left;
  const LintFinding *b = right;
  int by_line = (a->line > b->line) - (a->line < b->line);
  int by_column = (a->column > b->column) - (a->column < b->column);
  int by_rule = strcmp(a->rule->name, b->rule->name);
  return by_line != 0 ? by_line : by_column != 0 ? by_column : by_rule;
}

static void count_findings(LintReport *report, size_t from) {
  for (size_t at = from; at < report->count; at++) {
    const LintFinding *finding = &report->findings[at];
    if (finding->silenced != NULL)
      report->silenced++;
    else if (finding->severity == LINT_ERROR)
      report->errors++;
    else
      report->warnings++;
  }
  report->files++;
}

static bool parse_both(Lint *lint, Error *err) {
  const LintInput *input = lint->input;
  if (!sql_parse(input->text, input->length, &lint->script, err))
    return error_prefix(err, "%s", input->file);
  if (input->undo != NULL && !sql_parse(input->undo, strlen(input->undo), &lint->undo, err))
    return error_prefix(err, "the undo of %s", input->file);
  if (lint->script->count > LINT_STATEMENTS_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "%s: more than %d statements", input->file,
                     LINT_STATEMENTS_LIMIT);
  return true;
}

static bool brings_transaction(const SqlScript *script) {
  for (size_t at = 0; at < script->count; at++)
    if (script->parts[at].flags & (SQL_TRANSACTION | SQL_OUTSIDE))
      return true;
  return false;
}

static void lint_release(Lint *lint) {
  sql_free(lint->script);
  sql_free(lint->undo);
  mem_free(lint->fresh);
}

bool lint_file(const LintInput *input, const LintOptions *options, LintReport *ret, Error *err) {
  size_t looks = LOOKS_LIMIT;
  AUTO_RELEASE(lint_release)
  Lint lint = {
      .looks = &looks, .input = input, .options = options, .report = ret, .first = ret->count};
  if (!parse_both(&lint, err))
    return false;
  lint.is_transaction_given =
      input->in_transaction || (input->is_wrapped && !brings_transaction(lint.script));
  lint.in_transaction = lint.is_transaction_given;
  if (!pass_script(&lint, err))
    return false;
  ignore_apply(&lint);
  if (ret->count > lint.first)
    qsort(ret->findings + lint.first, ret->count - lint.first, sizeof(LintFinding), compare_places);
  count_findings(ret, lint.first);
  return true;
}
