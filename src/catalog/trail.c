/* Reads the audit for whoever asks by the API. */
#include "catalog/access.h"
#include "catalog/private.h"

#include <stdio.h>
#include <string.h>

/* Newest first, from the rows alone: places in the chain come in by the join afterwards. */
static const char list_sql[] =
    "SELECT to_char(e.event_time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
    " to_jsonb(e) - 'event_time' - 'event_date' - 'txid' || jsonb_build_object('branch', b.name,"
    " 'project', p.name)"
    " FROM access.audit_events AS e"
    " LEFT JOIN lakebase.branches AS b ON b.branch_id = e.branch_id"
    " LEFT JOIN lakebase.projects AS p ON p.project_id = e.project_id"
    " WHERE e.event_time >= clock_timestamp() - coalesce($1::bigint, 3153600000) * interval '1 s'"
    " AND ($2::text IS NULL OR e.actor = $2 OR e.on_behalf_of = $2)"
    " AND ($3::text IS NULL OR b.name = $3 OR e.branch_id = $3"
    "      OR e.request_params ->> 'branch' = $3)"
    " AND ($4::text IS NULL OR e.action_name = $4"
    "      OR starts_with(e.action_name, rtrim($4, '*')) AND right($4, 1) = '*')"
    " AND (NOT $5::boolean OR e.status = 'refused')"
    " AND ($6::bigint IS NULL OR e.serial > $6::bigint)"
    " ORDER BY e.event_time DESC, e.serial DESC LIMIT $7::bigint";

static bool add_event(const Rows *rows, size_t row, json_t *events, Error *err) {
  const char *text = rows_get(rows, row, 1);
  json_t *event = NULL;
  if (!json_parse(text, strlen(text), &event, err))
    return false;
  (void)json_object_set_new(event, "event_time", json_string(rows_get(rows, row, 0)));
  (void)json_array_append_new(events, event);
  return true;
}

bool audit_list(Catalog *catalog, const AuditQuery *query, json_t **ret, Error *err) {
  char since[24];
  char after[24];
  char limit[24];
  (void)snprintf(since, sizeof since, "%lld", (long long)query->since_seconds);
  (void)snprintf(after, sizeof after, "%lld", (long long)query->after);
  (void)snprintf(limit, sizeof limit, "%lld", (long long)query->limit);
  const char *const values[] = {query->since_seconds > 0 ? since : NULL,
                                query->principal,
                                query->branch,
                                query->action,
                                query->only_refused ? "true" : "false",
                                query->after > 0 ? after : NULL,
                                limit};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, list_sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  AUTO(json_free) json_t *events = json_array();
  for (size_t row = rows_count(rows); row > 0; row--)
    if (!add_event(rows, row - 1, events, err))
      return false;
  *ret = STEAL(events);
  return true;
}
