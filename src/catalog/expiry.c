/* Which branches are near their end or past it, and the two clocks that say so. */
#include "catalog/expiry.h"

#include "catalog/row.h"

#include <stdio.h>

/* What may end by itself at all. t is the branch. */
#define MAY_END                                                                                    \
  " t.state IN ('ready', 'failed') AND NOT t.is_protected AND t.kind <> 'root'"                    \
  " AND NOT EXISTS (SELECT FROM lakebase.tiers AS r WHERE r.branch_id = t.branch_id)"

#define HAS_CHILDREN                                                                               \
  "EXISTS (SELECT FROM lakebase.branches AS c WHERE c.parent_id = t.branch_id"                     \
  " AND c.state <> 'deleted')"

bool expiry_set(Catalog *catalog, const char *branch, int64_t expires_at, Error *err) {
  char time[CATALOG_NUMBER_SIZE];
  catalog_number(time, expires_at);
  const char *const values[] = {branch, time};
  return catalog_query(
      catalog,
      "UPDATE lakebase.branches SET warned_at = NULL, reap_after = NULL,"
      " expires_at = CASE WHEN $2::bigint <> 0 THEN " CATALOG_TIME("$2") " END"
                                                                         " WHERE branch_id = $1",
      ARRAY_LENGTH(values), values, NULL, err);
}

bool expiry_list_near(Catalog *catalog, int64_t now, size_t limit, BranchRow **ret,
                      size_t *ret_count, Error *err) {
  static const char tail[] =
      "WHERE" MAY_END " AND t.expired_at IS NULL AND t.warned_at IS NULL"
      " AND t.expires_at > " CATALOG_TIME(
          "$1") " AND t.expires_at - least(interval '1 day', (t.expires_at - t.created_at) / 4) "
                "<= " CATALOG_TIME("$1") " ORDER BY t.expires_at, t.serial LIMIT $2";
  char time[CATALOG_NUMBER_SIZE];
  char most[CATALOG_NUMBER_SIZE];
  void *rows = NULL;
  catalog_number(time, now);
  catalog_number(most, (int64_t)limit);
  const char *const values[] = {time, most};
  if (!table_list(catalog, &branch_table, tail, ARRAY_LENGTH(values), values, &rows, ret_count,
                  NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}

bool expiry_set_warned(Catalog *catalog, const BranchRow *branch, int64_t now, bool *ret_first,
                       Error *err) {
  char time[CATALOG_NUMBER_SIZE];
  char end[CATALOG_NUMBER_SIZE];
  catalog_number(time, now);
  catalog_number(end, branch->expires_at);
  const char *const values[] = {branch->id, time, end};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "UPDATE lakebase.branches SET warned_at = " CATALOG_TIME(
                         "$2") " WHERE branch_id = $1 AND warned_at IS NULL AND expires_at "
                               "= " CATALOG_TIME("$3"),
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_first = rows_affected(rows) == 1;
  return true;
}

bool expiry_list_due(Catalog *catalog, int64_t now, size_t limit, ExpiryDue **ret,
                     size_t *ret_count, Error *err) {
  static const char sql[] =
      "SELECT branch_id, has_children FROM (SELECT t.branch_id, t.expired_at, t.expires_at,"
      " " HAS_CHILDREN " AS has_children, row_number() OVER (PARTITION BY t.project_id,"
      " t.created_by ORDER BY t.expires_at, t.serial) AS turn FROM lakebase.branches AS t"
      " WHERE" MAY_END " AND t.expires_at <= " CATALOG_TIME(
          "$1") " AND (t.reap_after IS NULL OR t.reap_after "
                "<= " CATALOG_TIME("$1") ")) AS due"
                                         " WHERE NOT (has_children AND "
                                         "expired_at IS NOT NULL) ORDER BY turn, "
                                         "expires_at LIMIT $2";
  char time[CATALOG_NUMBER_SIZE];
  char most[CATALOG_NUMBER_SIZE];
  catalog_number(time, now);
  catalog_number(most, (int64_t)limit);
  const char *const values[] = {time, most};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  size_t count = rows_count(rows);
  ExpiryDue *due = mem_new(count, sizeof *due);
  for (size_t row = 0; row < count; row++) {
    (void)snprintf(due[row].branch, sizeof due[row].branch, "%s", rows_get(rows, row, 0));
    due[row].has_children = rows_get_bool(rows, row, 1);
  }
  *ret = due;
  *ret_count = count;
  return true;
}

bool expiry_has_children(Catalog *catalog, const char *branch, bool *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, "SELECT " HAS_CHILDREN " FROM (SELECT $1::text AS branch_id) AS t", 1,
                     &branch, &rows, err))
    return false;
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

bool expiry_postpone(Catalog *catalog, const char *branch, int64_t until, Error *err) {
  char time[CATALOG_NUMBER_SIZE];
  catalog_number(time, until);
  const char *const values[] = {branch, time};
  return catalog_query(
      catalog,
      "UPDATE lakebase.branches SET reap_after = " CATALOG_TIME("$2") " WHERE branch_id = $1",
      ARRAY_LENGTH(values), values, NULL, err);
}

bool expiry_set_maker(Catalog *catalog, const ExpiryMaker *maker, Error *err) {
  char pid[CATALOG_NUMBER_SIZE];
  char start[CATALOG_NUMBER_SIZE];
  catalog_number(pid, maker->pid);
  catalog_number(start, maker->start);
  const char *const values[] = {maker->branch, pid, start};
  return catalog_query(catalog,
                       "UPDATE lakebase.branches SET maker_pid = $2, maker_start = $3"
                       " WHERE branch_id = $1",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool expiry_list_made(Catalog *catalog, int64_t now, ExpiryMaker **ret, size_t *ret_count,
                      Error *err) {
  static const char sql[] = "SELECT t.branch_id, t.maker_pid, t.maker_start"
                            " FROM lakebase.branches AS t WHERE t.maker_pid <> 0 AND" MAY_END
                            " AND (t.expires_at IS NULL OR t.expires_at > " CATALOG_TIME("$1") ")";
  char time[CATALOG_NUMBER_SIZE];
  catalog_number(time, now);
  const char *const values[] = {time};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  size_t count = rows_count(rows);
  ExpiryMaker *makers = mem_new(count, sizeof *makers);
  for (size_t row = 0; row < count; row++) {
    (void)snprintf(makers[row].branch, sizeof makers[row].branch, "%s", rows_get(rows, row, 0));
    makers[row].pid = (int)rows_get_integer(rows, row, 1);
    makers[row].start = rows_get_integer(rows, row, 2);
  }
  *ret = makers;
  *ret_count = count;
  return true;
}

bool reaper_get(Catalog *catalog, ReaperRow *ret, Error *err) {
  static const char sql[] = "SELECT boot, boottime_us, wall_us, held_until_us, jump_us,"
                            " (extract(epoch FROM jumped_at) * 1000000)::bigint"
                            " FROM lakebase.reaper FOR UPDATE";
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 0, NULL, &rows, err))
    return false;
  ReaperRow row = {0};
  if (rows_count(rows) == 1) {
    (void)snprintf(row.boot, sizeof row.boot, "%s", rows_get(rows, 0, 0));
    row.boottime_us = rows_get_integer(rows, 0, 1);
    row.wall_us = rows_get_integer(rows, 0, 2);
    row.held_until_us = rows_get_integer(rows, 0, 3);
    row.jump_us = rows_get_integer(rows, 0, 4);
    row.jumped_at = rows_get_integer(rows, 0, 5);
  }
  *ret = row;
  return true;
}

bool reaper_set(Catalog *catalog, const ReaperRow *row, Error *err) {
  static const char sql[] =
      "INSERT INTO lakebase.reaper (boot, boottime_us, wall_us, held_until_us, jump_us, jumped_at)"
      " VALUES ($1, $2, $3, $4, $5, CASE WHEN $6::bigint <> 0 THEN " CATALOG_TIME(
          "$6") " END)"
                " ON CONFLICT (one) DO UPDATE SET boot = excluded.boot, boottime_us = "
                "excluded.boottime_us,"
                " wall_us = excluded.wall_us, held_until_us = excluded.held_until_us,"
                " jump_us = excluded.jump_us, jumped_at = excluded.jumped_at";
  const int64_t numbers[] = {row->boottime_us, row->wall_us, row->held_until_us, row->jump_us,
                             row->jumped_at};
  char texts[ARRAY_LENGTH(numbers)][CATALOG_NUMBER_SIZE];
  const char *values[1 + ARRAY_LENGTH(numbers)] = {row->boot};
  for (size_t at = 0; at < ARRAY_LENGTH(numbers); at++) {
    catalog_number(texts[at], numbers[at]);
    values[at + 1] = texts[at];
  }
  return catalog_query(catalog, sql, ARRAY_LENGTH(values), values, NULL, err);
}
