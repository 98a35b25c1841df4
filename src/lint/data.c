/* Questions to the database: each one SELECT of one boolean with every name quoted. */
#include "lint/engine.h"
#include "pg/conn.h"

#include <string.h>

bool lint_can_ask(const Lint *lint) {
  return lint->options->ask != NULL;
}

/* The question itself isn't shown: the rule says what it wanted to know. */
bool lint_ask(Lint *lint, int location, const char *sql, bool *ret) {
  Error err = ERROR_INIT;
  if (lint->options->ask(lint->options->ask_context, sql, ret, &err))
    return true;
  const LintRule *asking = lint->rule;
  lint->rule = &rule_data_unchecked;
  lint_find(lint, location, "%s could not be checked: %s", asking->name, err.message);
  lint->rule = asking;
  return false;
}

void lint_add_table(Buffer *sql, const PgQuery__RangeVar *table) {
  if (table->schemaname[0] != '\0') {
    sql_add_identifier(sql, table->schemaname);
    buffer_add_text(sql, ".");
  }
  sql_add_identifier(sql, table->relname);
}

bool lint_is_there(Lint *lint, const PgQuery__RangeVar *table, const char *column) {
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  lint_add_table(&name, table);
  buffer_add_text(&sql, "SELECT ");
  if (column != NULL)
    buffer_add_text(&sql, "EXISTS (SELECT 1 FROM pg_catalog.pg_attribute "
                          "WHERE NOT attisdropped AND attrelid OPERATOR(pg_catalog.=) ");
  buffer_add_text(&sql, "pg_catalog.to_regclass(");
  sql_add_literal(&sql, name.text);
  buffer_add_text(&sql, column == NULL ? ") IS NOT NULL" : ") AND attname OPERATOR(pg_catalog.=) ");
  if (column != NULL) {
    sql_add_literal(&sql, column);
    buffer_add_text(&sql, ")");
  }
  bool there = false;
  return lint_ask(lint, -1, sql.text, &there) && there;
}

/* The tree can't be written back as text, but the text is there: a check constraint's expression is
 * what stands between the brackets behind its place. */
bool lint_add_expression(const Lint *lint, Buffer *sql, int location) {
  const SqlPart *part = &lint->script->parts[lint->at];
  const char *text = lint->script->text + part->start;
  if (location < 0 || (size_t)location >= part->length)
    return false;
  size_t start = 0;
  size_t length = sql_brackets(text + location, part->length - (size_t)location, &start);
  buffer_add(sql, text + location + start, length);
  return length > 0;
}
