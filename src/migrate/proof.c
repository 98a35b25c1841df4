/* Proves that data is what it was. */
#include "migrate/proof.h"

#include "core/clock.h"
#include "core/str.h"
#include "migrate/sql.h"

#include <stdlib.h>

enum { SECOND_MS = 1000, MARGIN_MS = 20 };

void storage_release(Storage *storage) {
  for (size_t at = 0; at < storage->count; at++) {
    str_free(storage->tables[at].name);
    str_free(storage->tables[at].identity);
  }
  mem_free(storage->tables);
  *storage = (Storage){0};
}

/* Times of files are told in seconds: from the next one on, a write shows. */
static void wait_for_next_second(int64_t last_change_s) {
  int64_t now_ms = clock_wall_us() / 1000;
  int64_t until_ms = (last_change_s + 1) * SECOND_MS + MARGIN_MS;
  if (until_ms > now_ms && until_ms - now_ms <= SECOND_MS + MARGIN_MS)
    clock_sleep_ms(until_ms - now_ms);
}

bool storage_read(Conn *conn, bool is_first, Storage *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn, "CHECKPOINT", NULL, err) ||
      !conn_query(conn, migrate_sql("storage.sql"), 0, NULL, &rows, err))
    return false;
  Storage storage = {.count = rows_count(rows)};
  int64_t last_change = 0;
  storage.tables = mem_new(storage.count + 1, sizeof *storage.tables);
  for (size_t at = 0; at < storage.count; at++) {
    int64_t change = rows_get_integer(rows, at, 5);
    storage.tables[at] = (TableState){.oid = rows_get_integer(rows, at, 0),
                                      .name = str_dup(rows_get(rows, at, 1)),
                                      .filenode = rows_get_integer(rows, at, 2),
                                      .identity = str_dup(rows_get(rows, at, 3)),
                                      .bytes = rows_get_integer(rows, at, 4)};
    storage.bytes += storage.tables[at].bytes;
    last_change = change > last_change ? change : last_change;
  }
  if (is_first)
    wait_for_next_second(last_change);
  *ret = storage;
  return true;
}

static int compare_oids(const void *left, const void *right) {
  int64_t a = ((const TableState *)left)->oid;
  int64_t b = ((const TableState *)right)->oid;
  return (a > b) - (a < b);
}

static const TableState *find_table(const Storage *storage, int64_t oid) {
  const TableState key = {.oid = oid};
  return storage->count > 0
             ? bsearch(&key, storage->tables, storage->count, sizeof key, compare_oids)
             : NULL;
}

json_t *storage_rewritten(const Storage *before, const Storage *after) {
  json_t *list = json_array();
  for (size_t at = 0; at < after->count; at++) {
    const TableState *now = &after->tables[at];
    const TableState *then = find_table(before, now->oid);
    if (then != NULL && then->filenode != now->filenode)
      (void)json_array_append_new(list, json_pack("{s:o, s:I}", "table", json_line(now->name),
                                                  "bytes", (json_int_t)then->bytes));
  }
  return list;
}

/* ---- reading ---- */

/* Column by column a number that depends on which values there are, not on where. */
#define COLUMNS                                                                                    \
  "SELECT a.attname, pg_catalog.format('pg_catalog.sum(pg_catalog.hashtextextended("               \
  "COALESCE(''v'' || t.%1$I::pg_catalog.text, ''n''), 0))', a.attname)"                            \
  " FROM pg_catalog.pg_attribute a"                                                                \
  " WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)"                            \
  " AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped"                 \
  " ORDER BY a.attname"

typedef struct Content {
  Rows *columns; /* name, expression */
  Rows *sums;    /* one row: the number of rows, then one sum for each column */
} Content;

static void content_release(Content *content) {
  rows_free(content->columns);
  rows_free(content->sums);
}

static bool content_read(Conn *conn, const char *table, Content *ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  if (!conn_query(conn, COLUMNS, 1, &table, &ret->columns, err))
    return false;
  buffer_add_text(&sql, "SELECT pg_catalog.count(*)");
  for (size_t at = 0; at < rows_count(ret->columns); at++)
    buffer_add_format(&sql, ", %s", rows_get(ret->columns, at, 1));
  buffer_add_format(&sql, " FROM ONLY %s AS t", table);
  return conn_exec(conn, sql.text, &ret->sums, err);
}

static void add_lost(json_t *report, const char *table, const char *column, const char *message) {
  (void)json_array_append_new(json_object_get(report, "lost"),
                              json_pack("{s:o, s:o, s:s}", "table", json_line(table), "column",
                                        column != NULL ? json_line(column) : json_null(), "message",
                                        message));
}

static size_t find_column(const Content *content, const char *name) {
  size_t at = 0;
  while (at < rows_count(content->columns) && !str_equal(rows_get(content->columns, at, 0), name))
    at++;
  return at;
}

static void compare(const char *table, const Content *before, const Content *after,
                    json_t *report) {
  if (!str_equal(rows_get(before->sums, 0, 0), rows_get(after->sums, 0, 0)))
    add_lost(report, table, NULL, "the number of rows differs");
  for (size_t at = 0; at < rows_count(before->columns); at++) {
    const char *column = rows_get(before->columns, at, 0);
    size_t other = find_column(after, column);
    if (other == rows_count(after->columns))
      add_lost(report, table, column, "the column is gone");
    else if (!str_equal(rows_get(before->sums, 0, at + 1), rows_get(after->sums, 0, other + 1)))
      add_lost(report, table, column, "its values differ");
  }
}

typedef struct Reading {
  Conn *before, *after; /* opened when they are needed */
  Target *before_target;
  const Target *after_target;
  json_t *report;
  int64_t bytes, unchanged, read;
} Reading;

static void reading_release(Reading *reading) {
  conn_free(reading->before);
  conn_free(reading->after);
}

static bool open_both(Reading *reading, Error *err) {
  return reading->before != NULL ||
         (target_wake(reading->before_target, err) &&
          target_connect(reading->before_target, SESSION_READER, 0, &reading->before, err) &&
          target_connect(reading->after_target, SESSION_READER, 0, &reading->after, err));
}

static bool read_table(Reading *reading, const TableState *then, const TableState *now,
                       Error *err) {
  AUTO_RELEASE(content_release) Content before = {0};
  AUTO_RELEASE(content_release) Content after = {0};
  if (!open_both(reading, err) || !content_read(reading->before, then->name, &before, err) ||
      !content_read(reading->after, now->name, &after, err))
    return false;
  compare(then->name, &before, &after, reading->report);
  reading->bytes += then->bytes + now->bytes;
  reading->read++;
  return true;
}

/* By name where the number is a new one: dropped and made again. */
static const TableState *find_again(const Storage *storage, const TableState *table) {
  const TableState *found = find_table(storage, table->oid);
  for (size_t at = 0; found == NULL && at < storage->count; at++)
    if (str_equal(storage->tables[at].name, table->name))
      found = &storage->tables[at];
  return found;
}

static bool look_at(Reading *reading, const TableState *then, const Storage *after, Error *err) {
  const TableState *now = find_again(after, then);
  if (now == NULL) {
    if (then->bytes > 0)
      add_lost(reading->report, then->name, NULL, "the table is gone");
    return true;
  }
  if (str_equal(then->identity, now->identity) || then->bytes + now->bytes == 0) {
    reading->unchanged++;
    return true;
  }
  return read_table(reading, then, now, err);
}

bool proof_of_data(Target *before_target, const Storage *before, const Target *after_target,
                   const Storage *after, json_t *report, Error *err) {
  AUTO_RELEASE(reading_release)
  Reading reading = {
      .before_target = before_target, .after_target = after_target, .report = report};
  int64_t started = clock_monotonic_us();
  (void)json_object_set_new(report, "lost", json_array());
  for (size_t at = 0; at < before->count; at++)
    if (!look_at(&reading, &before->tables[at], after, err))
      return false;
  bool same = json_array_size(json_object_get(report, "lost")) == 0;
  (void)json_object_set_new(report, "verdict", json_string(same ? "same" : "lost"));
  (void)json_object_set_new(report, "unchanged", json_integer((json_int_t)reading.unchanged));
  (void)json_object_set_new(report, "read", json_integer((json_int_t)reading.read));
  (void)json_object_set_new(report, "bytes_read", json_integer((json_int_t)reading.bytes));
  (void)json_object_set_new(report, "duration_ms",
                            json_real((double)(clock_monotonic_us() - started) / 1000.0));
  return true;
}
