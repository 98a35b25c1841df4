/* Rows that a statement returned. */
#include "pg/libpq.h"

#include <assert.h>
#include <stdlib.h>

void rows_free(Rows *rows) {
  if (rows == NULL)
    return;
  PQclear(rows->result);
  mem_free(rows);
}

size_t rows_count(const Rows *rows) {
  return (size_t)PQntuples(rows->result);
}

size_t rows_columns(const Rows *rows) {
  return (size_t)PQnfields(rows->result);
}

const char *rows_column_name(const Rows *rows, size_t column) {
  return PQfname(rows->result, (int)column);
}

size_t rows_affected(const Rows *rows) {
  return (size_t)strtoull(PQcmdTuples(rows->result), NULL, 10); /* "" for what affects none */
}

const char *rows_get(const Rows *rows, size_t row, size_t column) {
  assert(row < rows_count(rows) && column < (size_t)PQnfields(rows->result));
  if (PQgetisnull(rows->result, (int)row, (int)column))
    return NULL;
  return PQgetvalue(rows->result, (int)row, (int)column);
}

int64_t rows_get_integer(const Rows *rows, size_t row, size_t column) {
  const char *text = rows_get(rows, row, column);
  return text != NULL ? strtoll(text, NULL, 10) : 0;
}

bool rows_get_bool(const Rows *rows, size_t row, size_t column) {
  const char *text = rows_get(rows, row, column);
  return text != NULL && text[0] == 't';
}
