/* Structures to parameters, result rows to structures. Nothing that is read is believed. */
#include "catalog/row.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(void *, mem_free)

/* ---- text ---- */

/* Length of the UTF-8 sequence at text, 0 if there is none that PostgreSQL takes. */
static size_t utf8_length(const unsigned char *text) {
  static const struct {
    unsigned char first_low, first_high, second_low, second_high, length;
  } forms[] = {
      {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
      {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
      {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };
  for (size_t form = 0; form < ARRAY_LENGTH(forms); form++) {
    if (text[0] < forms[form].first_low || text[0] > forms[form].first_high)
      continue;
    size_t length = forms[form].length;
    bool valid =
        length == 1 || (text[1] >= forms[form].second_low && text[1] <= forms[form].second_high);
    for (size_t at = 2; valid && at < length; at++)
      valid = (text[at] & 0xc0) == 0x80;
    return valid ? length : 0;
  }
  return 0;
}

void message_copy(char *ret, size_t size, const char *text) {
  size_t used = 0;
  while (*text != '\0') {
    size_t length = utf8_length((const unsigned char *)text);
    size_t needed = length > 0 ? length : 1;
    if (used + needed >= size)
      break;
    if (length > 0)
      memcpy(ret + used, text, length);
    else
      ret[used] = '?';
    used += needed;
    text += needed;
  }
  ret[used] = '\0';
}

/* ---- writing ---- */

enum { NUMBER_SIZE = 24 };

typedef struct Parameters {
  const char *values[COLUMN_LIMIT];
  char numbers[COLUMN_LIMIT][NUMBER_SIZE];
  char *owned[COLUMN_LIMIT];
  size_t count;
} Parameters;

static void parameters_release(Parameters *parameters) {
  for (size_t at = 0; at < parameters->count; at++)
    str_free(parameters->owned[at]);
}

static const char *own(Parameters *parameters, char *text) {
  parameters->owned[parameters->count] = text;
  return text;
}

static const char *clean_text(Parameters *parameters, const Column *column, const char *text) {
  char *copy = mem_new(column->size, 1);
  message_copy(copy, column->size, text);
  return own(parameters, copy);
}

static const char *number_text(Parameters *parameters, int64_t number) {
  char *text = parameters->numbers[parameters->count];
  (void)snprintf(text, NUMBER_SIZE, "%lld", (long long)number);
  return text;
}

static const char *lsn_text(Parameters *parameters, Lsn lsn) {
  char *text = parameters->numbers[parameters->count];
  lsn_format(lsn, text);
  return text;
}

static const char *json_or_empty(Parameters *parameters, const json_t *value) {
  return value != NULL ? own(parameters, json_text(value)) : "{}";
}

static const char *integer_text(Parameters *parameters, const Column *column, int64_t number) {
  bool missing = (column->flags & COLUMN_OPTIONAL) != 0 && number < 0;
  return missing ? NULL : number_text(parameters, number);
}

/* The value of column in row as PostgreSQL reads it; NULL for NULL. */
static const char *encode(Parameters *parameters, const Column *column, const void *row) {
  const char *field = (const char *)row + column->offset;
  switch (column->type) {
  case COLUMN_ID:
  case COLUMN_NAME:
    return (column->flags & COLUMN_OPTIONAL) != 0 && field[0] == '\0' ? NULL : field;
  case COLUMN_TEXT:
    if ((column->flags & COLUMN_OPTIONAL) != 0 && field[0] == '\0')
      return NULL;
    return clean_text(parameters, column, field);
  case COLUMN_STATE:
    return ((const char *const *)column->domain)[*(const int *)(const void *)field];
  case COLUMN_BOOL:
    return *(const bool *)field ? "true" : "false";
  case COLUMN_INT:
    return integer_text(parameters, column, *(const int *)(const void *)field);
  case COLUMN_UINT:
    return number_text(parameters, *(const uint32_t *)(const void *)field);
  case COLUMN_INTEGER:
    return integer_text(parameters, column, *(const int64_t *)(const void *)field);
  case COLUMN_TIME:
    return number_text(parameters, *(const int64_t *)(const void *)field);
  case COLUMN_LSN:
    return *(const Lsn *)(const void *)field == 0
               ? NULL
               : lsn_text(parameters, *(const Lsn *)(const void *)field);
  case COLUMN_JSON:
    return json_or_empty(parameters, *(json_t *const *)(const void *)field);
  }
  return NULL;
}

static void add_parameter(Parameters *parameters, const Column *column, const void *row) {
  assert(parameters->count < COLUMN_LIMIT);
  parameters->values[parameters->count] = encode(parameters, column, row);
  parameters->count++;
}

/* "$n", or what makes a time of it: exact, since an interval of microseconds is. A row that says
 * nothing about its creation was made now. */
static void add_placeholder(Buffer *sql, const Column *column, size_t number) {
  if (column->type != COLUMN_TIME) {
    buffer_add_format(sql, "$%zu", number);
    return;
  }
  const char *fallback = (column->flags & COLUMN_FIXED) != 0 ? "now()" : "NULL";
  buffer_add_format(sql,
                    "coalesce('epoch'::timestamptz"
                    " + nullif($%zu::bigint, 0) / 1000000 * interval '1 second'"
                    " + $%zu::bigint %% 1000000 * interval '1 microsecond', %s)",
                    number, number, fallback);
}

bool table_insert(Catalog *catalog, const Table *table, const void *row, const char *conflict,
                  bool *ret_inserted, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  AUTO_RELEASE(buffer_release) Buffer places = {0};
  AUTO_RELEASE(parameters_release) Parameters parameters = {0};
  buffer_add_format(&sql, "INSERT INTO %s (", table->name);
  for (size_t at = 0; at < table->column_count; at++) {
    const Column *column = &table->columns[at];
    if ((column->flags & COLUMN_JOINED) != 0)
      continue;
    const char *comma = parameters.count > 0 ? ", " : "";
    add_parameter(&parameters, column, row);
    buffer_add_format(&sql, "%s%s", comma, column->name);
    buffer_add_text(&places, comma);
    add_placeholder(&places, column, parameters.count);
  }
  buffer_add_format(&sql, ") VALUES (%s) %s", places.text, conflict);
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql.text, parameters.count, parameters.values, &rows, err))
    return false;
  *ret_inserted = rows_affected(rows) == 1;
  return true;
}

bool table_update(Catalog *catalog, const Table *table, const void *row, const char *guard,
                  bool *ret_found, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  AUTO_RELEASE(parameters_release) Parameters parameters = {0};
  add_parameter(&parameters, &table->columns[0], row);
  buffer_add_format(&sql, "UPDATE %s SET ", table->name);
  for (size_t at = 1; at < table->column_count; at++) {
    const Column *column = &table->columns[at];
    if ((column->flags & (COLUMN_JOINED | COLUMN_FIXED)) != 0)
      continue;
    buffer_add_format(&sql, "%s%s = ", parameters.count > 1 ? ", " : "", column->name);
    add_parameter(&parameters, column, row);
    add_placeholder(&sql, column, parameters.count);
  }
  buffer_add_format(&sql, " WHERE %s = $1%s", table->columns[0].name, guard);
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql.text, parameters.count, parameters.values, &rows, err))
    return false;
  *ret_found = rows_affected(rows) == 1;
  return true;
}

/* ---- reading ---- */

static bool decode_text(const Column *column, const char *text, char *field) {
  if (strlen(text) >= column->size)
    return false;
  memcpy(field, text, strlen(text) + 1);
  return true;
}

static bool decode_state(const Column *column, const char *text, int *field) {
  const char *const *known = column->domain;
  for (int value = 0; known[value] != NULL; value++)
    if (str_equal(known[value], text)) {
      *field = value;
      return true;
    }
  return false;
}

static bool decode_known_text(const Column *column, const char *text, char *field) {
  int ignored = 0;
  return (column->domain == NULL || decode_state(column, text, &ignored)) &&
         decode_text(column, text, field);
}

static bool decode_integer(const char *text, int64_t low, int64_t high, int64_t *ret) {
  char *end = NULL;
  errno = 0;
  int64_t number = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || number < low || number > high)
    return false;
  *ret = number;
  return true;
}

static bool decode_int(const char *text, int *field) {
  int64_t number = 0;
  if (!decode_integer(text, INT32_MIN, INT32_MAX, &number))
    return false;
  *field = (int)number;
  return true;
}

static bool decode_uint(const char *text, uint32_t *field) {
  int64_t number = 0;
  if (!decode_integer(text, 0, UINT32_MAX, &number))
    return false;
  *field = (uint32_t)number;
  return true;
}

static bool decode_bool(const char *text, bool *field) {
  *field = str_equal(text, "t");
  return *field || str_equal(text, "f");
}

static bool decode_json(const char *text, json_t **field) {
  AUTO(json_free) json_t *value = NULL;
  if (!json_parse(text, strlen(text), &value, NULL) || !json_is_object(value))
    return false;
  *field = STEAL(value);
  return true;
}

/* SQL NULL: the empty value where that is allowed. The row is zeroed already. */
static bool decode_null(const Column *column, char *field) {
  if (column->type == COLUMN_TIME || column->type == COLUMN_LSN)
    return true;
  if ((column->flags & COLUMN_OPTIONAL) == 0)
    return false;
  if (column->type == COLUMN_INTEGER)
    *(int64_t *)(void *)field = -1;
  return true;
}

static bool decode(const Column *column, const char *text, void *row) {
  char *field = (char *)row + column->offset;
  void *value = field;
  if (text == NULL)
    return decode_null(column, field);
  switch (column->type) {
  case COLUMN_ID:
    return id_check(column->domain, text) && decode_text(column, text, field);
  case COLUMN_NAME:
    return name_check("", text, NULL) && decode_text(column, text, field);
  case COLUMN_TEXT:
    return decode_known_text(column, text, field);
  case COLUMN_STATE:
    return decode_state(column, text, value);
  case COLUMN_BOOL:
    return decode_bool(text, value);
  case COLUMN_INT:
    return decode_int(text, value);
  case COLUMN_UINT:
    return decode_uint(text, value);
  case COLUMN_INTEGER:
  case COLUMN_TIME:
    return decode_integer(text, INT64_MIN, INT64_MAX, value);
  case COLUMN_LSN:
    return lsn_parse(text, value, NULL);
  case COLUMN_JSON:
    return decode_json(text, value);
  }
  return false;
}

static bool decode_row(const Table *table, const Rows *rows, size_t at, void *ret, Error *err) {
  memset(ret, 0, table->row_size);
  for (size_t column = 0; column < table->column_count; column++) {
    const char *text = rows_get(rows, at, column);
    if (decode(&table->columns[column], text, ret))
      continue;
    table_row_release(table, ret);
    const char *key = rows_get(rows, at, 0);
    return error_set(err, ERROR_CATALOG_INVALID,
                     "table %s, row \"%.40s\", column %s: \"%.80s\" makes no sense", table->name,
                     key != NULL ? key : "(null)", table->columns[column].name,
                     text != NULL ? text : "(null)");
  }
  return true;
}

void table_row_release(const Table *table, void *row) {
  for (size_t at = 0; at < table->column_count; at++)
    if (table->columns[at].type == COLUMN_JSON) {
      json_t **field = (json_t **)(void *)((char *)row + table->columns[at].offset);
      json_free(STEAL(*field));
    }
}

static void add_source(Buffer *sql, const Column *column) {
  if ((column->flags & COLUMN_JOINED) != 0)
    buffer_add_text(sql, column->source);
  else if (column->type == COLUMN_TIME)
    buffer_add_format(sql, "(extract(epoch FROM t.%s) * 1000000)::bigint", column->name);
  else
    buffer_add_format(sql, "t.%s", column->name);
}

static bool table_select(Catalog *catalog, const Table *table, const char *tail, size_t count,
                         const char *const *values, Rows **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  for (size_t at = 0; at < table->column_count; at++) {
    buffer_add_text(&sql, at == 0 ? "SELECT " : ", ");
    add_source(&sql, &table->columns[at]);
  }
  buffer_add_format(&sql, " FROM %s AS t %s %s", table->name, table->join, tail);
  return catalog_query(catalog, sql.text, count, values, ret, err);
}

bool table_find(Catalog *catalog, const Table *table, const char *tail, size_t count,
                const char *const *values, void *ret, bool *ret_found, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!table_select(catalog, table, tail, count, values, &rows, err))
    return false;
  *ret_found = rows_count(rows) > 0;
  if (!*ret_found)
    return true;
  AUTO(mem_free) void *row = mem_new(1, table->row_size);
  if (!decode_row(table, rows, 0, row, err))
    return false;
  memcpy(ret, row, table->row_size);
  return true;
}

/* A message that was cut may end within a character, which JSON refuses. */
static void add_message(json_t *messages, const Error *invalid) {
  char text[sizeof invalid->message];
  message_copy(text, sizeof text, invalid->message);
  (void)json_array_append_new(messages, json_string(text));
}

bool table_list(Catalog *catalog, const Table *table, const char *tail, size_t count,
                const char *const *values, void **ret, size_t *ret_count, size_t *ret_invalid,
                json_t *ret_messages, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!table_select(catalog, table, tail, count, values, &rows, err))
    return false;
  size_t total = rows_count(rows);
  char *array = mem_new(total, table->row_size);
  size_t valid = 0;
  for (size_t at = 0; at < total; at++) {
    Error invalid = ERROR_INIT;
    if (decode_row(table, rows, at, array + valid * table->row_size, &invalid))
      valid++;
    else if (ret_messages != NULL)
      add_message(ret_messages, &invalid);
  }
  *ret = array;
  *ret_count = valid;
  if (ret_invalid != NULL)
    *ret_invalid = total - valid;
  return true;
}
