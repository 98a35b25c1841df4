/* Rows of the queues. */
#include "catalog/queue.h"

#include "catalog/row.h"
#include "core/str.h"

#include <stdio.h>

static const char *const states[] = {"waiting", "testing", "passed",    "merging",
                                     "merged",  "refused", "withdrawn", NULL};

static const Column columns[] = {
    COLUMN(QueueRow, id, "entry_id", ID, COLUMN_FIXED, .domain = "mq"),
    COLUMN(QueueRow, project, "project_id", ID, COLUMN_FIXED, .domain = "prj"),
    COLUMN(QueueRow, tier, "tier", NAME, COLUMN_FIXED),
    COLUMN(QueueRow, change, "change_id", ID, COLUMN_FIXED, .domain = "chg"),
    COLUMN(QueueRow, feature, "feature", TEXT, COLUMN_FIXED),
    COLUMN(QueueRow, number, "number", INTEGER, COLUMN_FIXED),
    COLUMN(QueueRow, head, "head_commit", TEXT, COLUMN_FIXED),
    COLUMN(QueueRow, version, "version", TEXT, COLUMN_FIXED),
    COLUMN(QueueRow, asked_by, "asked_by", NAME, COLUMN_FIXED),
    COLUMN(QueueRow, request, "request_id", TEXT, COLUMN_FIXED),
    COLUMN(QueueRow, state, "state", STATE, 0, .domain = states),
    COLUMN(QueueRow, most, "most", INT, 0),
    COLUMN(QueueRow, run, "run_id", ID, COLUMN_OPTIONAL, .domain = "run"),
    COLUMN(QueueRow, place, "place", INT, 0),
    COLUMN(QueueRow, members, "members", INT, 0),
    COLUMN(QueueRow, base, "base_commit", TEXT, COLUMN_OPTIONAL),
    COLUMN(QueueRow, merge_commit, "merge_commit", TEXT, COLUMN_OPTIONAL),
    COLUMN(QueueRow, attempts, "attempts", INT, 0),
    COLUMN(QueueRow, error_code, "error_code", TEXT, 0),
    COLUMN(QueueRow, error, "error", TEXT, 0),
    COLUMN(QueueRow, hint, "hint", TEXT, 0),
    COLUMN(QueueRow, created_at, "created_at", TIME, COLUMN_FIXED),
    COLUMN(QueueRow, ended_at, "ended_at", TIME, 0),
    COLUMN(QueueRow, serial, "serial", INTEGER, COLUMN_JOINED, .source = "t.serial"),
};

static const Table queue_table = {"lakebase.merge_queue", "", columns, ARRAY_LENGTH(columns),
                                  sizeof(QueueRow)};

const char *queue_state_text(QueueState state) {
  return states[state];
}

bool queue_insert(Catalog *catalog, const QueueRow *row, bool *ret_inserted, Error *err) {
  return table_insert(catalog, &queue_table, row, "ON CONFLICT DO NOTHING", ret_inserted, err);
}

bool queue_update(Catalog *catalog, const QueueRow *row, QueueState from, Error *err) {
  char guard[48];
  bool found = false;
  (void)snprintf(guard, sizeof guard, " AND state = '%s'", states[from]);
  if (!table_update(catalog, &queue_table, row, guard, &found, err))
    return false;
  return found || error_set(err, ERROR_CHANGE_MOVED, "\"%s\" isn't %s in the queue any more",
                            row->feature, states[from]);
}

bool queue_of_change(Catalog *catalog, const char *change, QueueRow *ret, bool *ret_found,
                     Error *err) {
  return table_find(catalog, &queue_table, "WHERE t.change_id = $1 AND t.ended_at IS NULL", 1,
                    &change, ret, ret_found, err);
}

bool queue_of_pull(Catalog *catalog, const char *project, int64_t number, QueueRow *ret,
                   bool *ret_found, Error *err) {
  char text[CATALOG_NUMBER_SIZE];
  catalog_number(text, number);
  const char *const values[] = {project, text};
  return table_find(catalog, &queue_table,
                    "WHERE t.project_id = $1 AND t.number = $2::bigint AND t.ended_at IS NULL",
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

bool queue_get(Catalog *catalog, const char *project, const char *id, QueueRow *ret,
               bool *ret_found, Error *err) {
  const char *const values[] = {project, id};
  return table_find(catalog, &queue_table, "WHERE t.project_id = $1 AND t.entry_id = $2",
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

static bool list(Catalog *catalog, const char *tail, size_t count, const char *const *values,
                 QueueRow **ret, size_t *ret_count, Error *err) {
  void *rows = NULL;
  if (!table_list(catalog, &queue_table, tail, count, values, &rows, ret_count, NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}

bool queue_list_live(Catalog *catalog, const char *project, const char *tier, QueueRow **ret,
                     size_t *ret_count, Error *err) {
  const char *const values[] = {project, tier};
  return list(catalog,
              "WHERE t.ended_at IS NULL AND ($1::text IS NULL OR t.project_id = $1)"
              " AND ($2::text IS NULL OR t.tier = $2) ORDER BY t.project_id, t.tier, t.serial",
              ARRAY_LENGTH(values), values, ret, ret_count, err);
}

bool queue_list_run(Catalog *catalog, const char *run, QueueRow **ret, size_t *ret_count,
                    Error *err) {
  return list(catalog, "WHERE t.run_id = $1 AND t.state = 'testing' ORDER BY t.place", 1, &run, ret,
              ret_count, err);
}

bool queue_required_base(Catalog *catalog, const QueueRow *row, char ret[CHANGE_COMMIT_SIZE],
                         bool *ret_found, Error *err) {
  char place[CATALOG_NUMBER_SIZE];
  QueueRow before;
  catalog_number(place, row->place - 1);
  const char *const values[] = {row->run, place};
  *ret_found = row->place == 1;
  if (row->place == 1)
    (void)snprintf(ret, CHANGE_COMMIT_SIZE, "%s", row->base);
  if (row->place <= 1)
    return true;
  if (!table_find(catalog, &queue_table,
                  "WHERE t.run_id = $1 AND t.place = $2::integer AND t.state = 'merged'",
                  ARRAY_LENGTH(values), values, &before, ret_found, err))
    return false;
  if (*ret_found)
    (void)snprintf(ret, CHANGE_COMMIT_SIZE, "%s", before.merge_commit);
  return true;
}
