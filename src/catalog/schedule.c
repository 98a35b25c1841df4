/* Rows of lakebase.schedules. */
#include "catalog/schedule.h"

#include "catalog/row.h"

#include <stdio.h>

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

static const char select_sql[] =
    "SELECT project_id, tier, expression, zone, " MICROSECONDS("handled_at") ", " MICROSECONDS(
        "started_at") ", " MICROSECONDS("finished_at") ", operation_id, outcome, error FROM "
                                                       "lakebase.schedules"
                                                       " WHERE ($1::text IS NULL OR project_id = "
                                                       "$1) AND ($2::text IS NULL OR tier = $2)"
                                                       " ORDER BY project_id, tier";

static void copy(char *ret, size_t size, const char *text) {
  (void)snprintf(ret, size, "%s", text != NULL ? text : "");
}

static void read_row(const Rows *rows, size_t row, ScheduleRow *ret) {
  *ret = (ScheduleRow){.handled_at = rows_get_integer(rows, row, 4),
                       .started_at = rows_get_integer(rows, row, 5),
                       .finished_at = rows_get_integer(rows, row, 6)};
  copy(ret->project, sizeof ret->project, rows_get(rows, row, 0));
  copy(ret->tier, sizeof ret->tier, rows_get(rows, row, 1));
  copy(ret->expression, sizeof ret->expression, rows_get(rows, row, 2));
  copy(ret->zone, sizeof ret->zone, rows_get(rows, row, 3));
  copy(ret->operation, sizeof ret->operation, rows_get(rows, row, 7));
  copy(ret->outcome, sizeof ret->outcome, rows_get(rows, row, 8));
  copy(ret->error, sizeof ret->error, rows_get(rows, row, 9));
}

bool schedule_list(Catalog *catalog, const char *project, ScheduleRow **ret, size_t *ret_count,
                   Error *err) {
  const char *const values[] = {project, NULL};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, select_sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  size_t count = rows_count(rows);
  ScheduleRow *list = mem_new(count, sizeof *list);
  for (size_t row = 0; row < count; row++)
    read_row(rows, row, &list[row]);
  *ret = list;
  *ret_count = count;
  return true;
}

bool schedule_get(Catalog *catalog, const char *project, const char *tier, ScheduleRow *ret,
                  bool *ret_found, Error *err) {
  const char *const values[] = {project, tier};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, select_sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_found = rows_count(rows) == 1;
  if (*ret_found)
    read_row(rows, 0, ret);
  return true;
}

/* Nothing is written where nothing changes: this is asked every few seconds. */
bool schedule_sync(Catalog *catalog, const char *project, const json_t *wanted, int64_t now,
                   Error *err) {
  static const char sql[] =
      "WITH wanted AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($2::jsonb)"
      "   AS w (tier text, expression text, zone text)),"
      " gone AS (DELETE FROM lakebase.schedules AS s WHERE project_id = $1"
      "   AND NOT EXISTS (SELECT FROM wanted AS w WHERE w.tier = s.tier))"
      " INSERT INTO lakebase.schedules AS s (project_id, tier, expression, zone, handled_at)"
      " SELECT $1, tier, expression, zone, " CATALOG_TIME(
          "$3") " FROM wanted AS w"
                " WHERE NOT EXISTS (SELECT FROM lakebase.schedules AS same WHERE project_id = $1"
                "   AND same.tier = w.tier AND same.expression = w.expression AND same.zone = "
                "w.zone)"
                " ON CONFLICT (project_id, tier) DO UPDATE SET expression = excluded.expression,"
                " zone = excluded.zone, handled_at = excluded.handled_at";
  char time[CATALOG_NUMBER_SIZE];
  AUTO(str_free) char *text = json_text(wanted);
  catalog_number(time, now);
  const char *const values[] = {project, text, time};
  return catalog_query(catalog, sql, ARRAY_LENGTH(values), values, NULL, err);
}

bool schedule_set_started(Catalog *catalog, const char *project, const char *tier, Error *err) {
  const char *const values[] = {project, tier};
  return catalog_query(catalog,
                       "UPDATE lakebase.schedules SET started_at = clock_timestamp(),"
                       " finished_at = NULL, operation_id = NULL, outcome = 'running', error = ''"
                       " WHERE project_id = $1 AND tier = $2",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool schedule_set_finished(Catalog *catalog, const char *project, const char *tier,
                           int64_t handled_at, const char *operation, const Error *failure,
                           Error *err) {
  static const char sql[] =
      "UPDATE lakebase.schedules SET finished_at = clock_timestamp(),"
      " handled_at = greatest(handled_at, " CATALOG_TIME(
          "$3") "), operation_id = nullif($4, ''),"
                " outcome = $5, error = $6 WHERE project_id = $1 AND tier = $2";
  char time[CATALOG_NUMBER_SIZE];
  char error[sizeof((ScheduleRow *)NULL)->error];
  catalog_number(time, handled_at);
  message_copy(error, sizeof error, failure != NULL ? failure->message : "");
  const char *const values[] = {project, tier, time, operation, failure != NULL ? "failed" : "done",
                                error};
  return catalog_query(catalog, sql, ARRAY_LENGTH(values), values, NULL, err);
}
