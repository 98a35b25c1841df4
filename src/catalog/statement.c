/* Rows of access.audit_statements, and what is read by them. */
#include "catalog/statement.h"

#include "catalog/private.h"

#include <stdio.h>

bool statement_classes(Catalog *catalog, const char *branch, char **ret, Error *err) {
  static const char sql[] =
      "SELECT coalesce(string_agg(class, ',' ORDER BY class), '') FROM lakebase.tiers AS t"
      " JOIN lakebase.policy_heads AS h ON h.project_id = t.project_id"
      " JOIN lakebase.policies AS p ON p.project_id = h.project_id AND p.version = h.version"
      " CROSS JOIN jsonb_path_query(p.canonical, '$.tiers[*]') AS tier"
      " CROSS JOIN LATERAL jsonb_array_elements_text(CASE WHEN jsonb_typeof(tier -> 'audit') ="
      " 'array' THEN tier -> 'audit' ELSE '[]' END) AS class"
      " WHERE t.branch_id = $1 AND tier ->> 'name' = t.name";
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 1, &branch, &rows, err))
    return false;
  *ret = str_dup(rows_get(rows, 0, 0));
  return true;
}

bool statement_follow(Catalog *catalog, const StatementSource *source, Error *err) {
  const char *const values[] = {source->volume, source->endpoint, source->branch, source->project};
  return catalog_query(catalog,
                       "INSERT INTO access.audit_statements (volume_id, endpoint_id, branch_id,"
                       " project_id) VALUES ($1, $2, $3, $4) ON CONFLICT (volume_id) DO UPDATE SET"
                       " endpoint_id = $2, branch_id = $3, project_id = $4",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool statement_forget(Catalog *catalog, const char *volume, Error *err) {
  return catalog_query(catalog, "DELETE FROM access.audit_statements WHERE volume_id = $1", 1,
                       &volume, NULL, err);
}

static void copy(char *ret, size_t size, const Rows *rows, size_t row, size_t column) {
  (void)snprintf(ret, size, "%s", rows_get(rows, row, column));
}

bool statement_sources(Catalog *catalog, const char *volume, StatementSource **ret,
                       size_t *ret_count, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT volume_id, endpoint_id, branch_id, project_id, file, place"
                     " FROM access.audit_statements WHERE $1::text IS NULL OR volume_id = $1",
                     1, &volume, &rows, err))
    return false;
  size_t count = rows_count(rows);
  StatementSource *sources = mem_new(count, sizeof *sources);
  for (size_t row = 0; row < count; row++) {
    StatementSource *source = &sources[row];
    copy(source->volume, sizeof source->volume, rows, row, 0);
    copy(source->endpoint, sizeof source->endpoint, rows, row, 1);
    copy(source->branch, sizeof source->branch, rows, row, 2);
    copy(source->project, sizeof source->project, rows, row, 3);
    copy(source->file, sizeof source->file, rows, row, 4);
    source->offset = rows_get_integer(rows, row, 5);
  }
  *ret = sources;
  *ret_count = count;
  return true;
}

bool statement_take(Catalog *catalog, const StatementSource *source, const char *file,
                    int64_t offset, const json_t *rows, Error *err) {
  static const char sql[] =
      "WITH taken AS (UPDATE access.audit_statements SET file = $4, place = $5::bigint"
      "   WHERE volume_id = $1 AND file = $2 AND place = $3::bigint RETURNING *)"
      " INSERT INTO access.audit_events (actor_type, actor, on_behalf_of, session_id, source_ip,"
      " service_name, action_name, request_params, status, project_id, branch_id, endpoint_id)"
      " SELECT r.actor_type, r.actor, r.on_behalf_of, s.session_id, s.source_ip, 'pgaudit',"
      " r.action, r.params, 'ok', taken.project_id, taken.branch_id, taken.endpoint_id"
      " FROM taken CROSS JOIN jsonb_to_recordset($6::jsonb) AS r (actor_type text, actor text,"
      "   on_behalf_of text, action text, params jsonb, session_start timestamptz)"
      " LEFT JOIN LATERAL (SELECT max(a.session_id) AS session_id, max(a.source_ip) AS source_ip"
      "   FROM access.audit_events AS a WHERE a.action_name = 'session.start' AND a.status = 'ok'"
      "   AND a.endpoint_id = taken.endpoint_id AND a.actor = r.actor"
      "   AND a.event_time BETWEEN r.session_start - interval '2 s'"
      "                        AND r.session_start + interval '2 s'"
      "   AND coalesce(a.request_params ->> 'application_name', '')"
      "     = coalesce(r.params ->> 'application', '')"
      "   HAVING count(*) = 1) AS s ON true";
  char before[24];
  char after[24];
  (void)snprintf(before, sizeof before, "%lld", (long long)source->offset);
  (void)snprintf(after, sizeof after, "%lld", (long long)offset);
  AUTO(str_free) char *text = json_text(rows);
  const char *const values[] = {source->volume, source->file, before, file, after, text};
  return catalog_query(catalog, sql, ARRAY_LENGTH(values), values, NULL, err);
}
