/* lakebase.webhooks: messages that wait to be delivered, and those that were. */
#include "catalog/expiry.h"

#include "catalog/row.h"

#include <stdio.h>
#include <string.h>

void webhook_row_release(WebhookRow *row) {
  json_free(row->body);
  *row = (WebhookRow){0};
}

bool webhook_insert(Catalog *catalog, const char *event, const json_t *body, Error *err) {
  AUTO(str_free) char *text = json_text(body);
  const char *const values[] = {event, text};
  return catalog_query(catalog, "INSERT INTO lakebase.webhooks (event, body) VALUES ($1, $2)",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool webhook_next(Catalog *catalog, int64_t now, WebhookRow *ret, bool *ret_found, Error *err) {
  static const char sql[] =
      "SELECT webhook_id, event, body, (extract(epoch FROM created_at) * 1000000)::bigint, attempts"
      " FROM lakebase.webhooks WHERE finished_at IS NULL AND due_at <= " CATALOG_TIME(
          "$1") " ORDER BY due_at, webhook_id LIMIT 1";
  char time[CATALOG_NUMBER_SIZE];
  catalog_number(time, now);
  const char *value = time;
  AUTO(rows_free) Rows *rows = NULL;
  WebhookRow row = {0};
  if (!catalog_query(catalog, sql, 1, &value, &rows, err))
    return false;
  *ret_found = rows_count(rows) == 1;
  if (!*ret_found)
    return true;
  const char *body = rows_get(rows, 0, 2);
  if (!json_parse(body, strlen(body), &row.body, err))
    return false;
  row.id = rows_get_integer(rows, 0, 0);
  (void)snprintf(row.event, sizeof row.event, "%.63s", rows_get(rows, 0, 1));
  row.created_at = rows_get_integer(rows, 0, 3);
  row.attempts = (int)rows_get_integer(rows, 0, 4);
  *ret = row;
  return true;
}

bool webhook_tried(Catalog *catalog, int64_t id, const Error *failure, int64_t again_at,
                   Error *err) {
  static const char sql[] = "UPDATE lakebase.webhooks SET attempts = attempts + 1, error = $2,"
                            " due_at = CASE WHEN $3::bigint <> 0 THEN " CATALOG_TIME(
                                "$3") " ELSE due_at END,"
                                      " finished_at = CASE WHEN $3::bigint = 0 THEN "
                                      "clock_timestamp() END WHERE webhook_id = $1";
  char number[CATALOG_NUMBER_SIZE];
  char time[CATALOG_NUMBER_SIZE];
  char error[512];
  catalog_number(number, id);
  catalog_number(time, failure != NULL ? again_at : 0);
  message_copy(error, sizeof error, failure != NULL ? failure->message : "");
  const char *const values[] = {number, error, time};
  return catalog_query(catalog, sql, ARRAY_LENGTH(values), values, NULL, err);
}

bool webhook_sweep(Catalog *catalog, int64_t before, Error *err) {
  char time[CATALOG_NUMBER_SIZE];
  catalog_number(time, before);
  const char *value = time;
  return catalog_query(catalog,
                       "DELETE FROM lakebase.webhooks WHERE finished_at < " CATALOG_TIME("$1"), 1,
                       &value, NULL, err);
}

bool webhook_count_given_up(Catalog *catalog, int64_t *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT count(*) FROM lakebase.webhooks"
                     " WHERE finished_at IS NOT NULL AND error <> ''",
                     0, NULL, &rows, err))
    return false;
  *ret = rows_get_integer(rows, 0, 0);
  return true;
}
