/* A type that today's values do not fit. */
#include "lint/rule.h"
#include "pg/conn.h"

/* The numbers that a type has room for. */
static const char *number_condition(const PgQuery__TypeName *type) {
  static const struct {
    const char *type;
    const char *condition;
  } rows[] = {
      {"int2", " NOT BETWEEN -32768 AND 32767"},
      {"int4", " NOT BETWEEN -2147483648 AND 2147483647"},
      {"int8", " NOT BETWEEN -9223372036854775808 AND 9223372036854775807"},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    if (lint_type_is(type, rows[at].type))
      return rows[at].condition;
  return NULL;
}

static int length_limit(const PgQuery__TypeName *type) {
  bool is_text = lint_type_is(type, "varchar") || lint_type_is(type, "bpchar");
  const PgQuery__AConst *limit =
      is_text && type->n_typmods > 0 ? SQL_NODE(type->typmods[0], A_CONST, a_const) : NULL;
  bool is_number = limit != NULL && limit->val_case == PG_QUERY__A__CONST__VAL_IVAL;
  return is_number ? limit->ival->ival : 0;
}

/* Adds the condition for a value that doesn't fit; false for types of which that isn't known. */
static bool add_condition(Buffer *sql, const char *column, const PgQuery__TypeName *type) {
  const char *numbers = number_condition(type);
  int limit = length_limit(type);
  if (numbers != NULL) {
    sql_add_identifier(sql, column);
    buffer_add_format(sql, "::pg_catalog.text::pg_catalog.numeric%s", numbers);
  } else if (limit > 0) {
    buffer_add_text(sql, "pg_catalog.length(");
    sql_add_identifier(sql, column);
    buffer_add_format(sql, "::pg_catalog.text) OPERATOR(pg_catalog.>) %d", limit);
  }
  return numbers != NULL || limit > 0;
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  const PgQuery__ColumnDef *column = SQL_NODE(command->def, COLUMN_DEF, column_def);
  bool misfit = false;
  if (command->subtype != AT(AlterColumnType) || column == NULL || !lint_can_ask(lint) ||
      column->raw_default != NULL || target->fresh || lint_writes_before(lint, target->table) ||
      !lint_is_there(lint, target->table, command->name))
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT EXISTS (SELECT 1 FROM ");
  lint_add_table(&sql, target->table);
  buffer_add_text(&sql, " WHERE ");
  if (!add_condition(&sql, command->name, column->type_name))
    return;
  buffer_add_text(&sql, ")");
  if (lint_ask(lint, -1, sql.text, &misfit) && misfit)
    lint_find(lint, -1, "%s has values here in %s that don't fit the new type",
              target->table->relname, command->name);
}

const LintRule rule_data_type = {
    .name = "data-type",
    .severity = LINT_ERROR,
    .why = "There are values on this branch that can't be had in the new type, so the statement "
           "fails, or they would be changed.",
    .instead = "Correct the values first, or choose a wider type.",
    .refactoring = "Replace Column",
    .bad = "ALTER TABLE parts ALTER COLUMN weight TYPE smallint;",
    .good = "ALTER TABLE parts ALTER COLUMN weight TYPE bigint;",
    .data = LINT_PARTS,
    .on_command = check,
};
