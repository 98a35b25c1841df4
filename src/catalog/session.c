/* lakebase.sessions: who is connected to what, and which computes nobody uses. */
#include "catalog/access.h"

#include "catalog/row.h"

#include <stdio.h>

/* One statement, since every connection waits for it. The lock on the endpoint's row is what
 * endpoint_release takes too, that on the policy's head who applies another one: whoever comes
 * second sees what the first has done. */
static const char record_sql[] =
    "WITH awake AS (SELECT FROM lakebase.endpoints WHERE endpoint_id = $5"
    "   AND state = 'running' AND wanted FOR SHARE),"
    " head AS (SELECT FROM lakebase.policy_heads WHERE project_id = $7 AND version = $17::integer"
    "   FOR SHARE),"
    " held AS (SELECT FROM access.tokens WHERE token_id = $4 FOR KEY SHARE),"
    " recorded AS (INSERT INTO lakebase.sessions AS s (session_id, boot, principal_id, token_id,"
    "   endpoint_id, branch_id, project_id, database, source, application_name, tls, access)"
    "   SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::boolean, $16"
    "   FROM awake, head, held"
    "   ON CONFLICT (session_id) DO UPDATE SET endpoint_id = excluded.endpoint_id,"
    "   access = excluded.access"
    "   WHERE s.principal_id = excluded.principal_id AND s.boot = excluded.boot"
    "   RETURNING s.xmax = 0 AS is_new),"
    " trail AS (INSERT INTO access.audit_events (actor_type, actor, on_behalf_of, session_id, "
    "source_ip,"
    "   service_name, action_name, request_params, status, project_id, branch_id, endpoint_id)"
    "   SELECT $12, $13, nullif($14, ''), $1, $9, 'proxy', 'session.start', $15::jsonb, 'ok',"
    "   $7, $6, $5 FROM recorded WHERE is_new)"
    " SELECT (SELECT count(*) FROM awake), (SELECT count(*) FROM recorded),"
    " (SELECT count(*) FROM head), (SELECT count(*) FROM held)";

/* Revoking waits for those who hold the token, and finds their session then. */
static bool revoked(Error *err) {
  return error_set(err, ERROR_UNAUTHENTICATED, "the token is not valid any more");
}

bool session_record(Catalog *catalog, const SessionRow *row, const PrincipalRow *actor,
                    const json_t *params, SessionRecorded *ret, Error *err) {
  char database[64];
  char source[256];
  char application[256];
  char version[16];
  AUTO(str_free) char *text = json_text(params);
  (void)snprintf(version, sizeof version, "%d", row->policy_version);
  message_copy(database, sizeof database, row->database);
  message_copy(source, sizeof source, row->source);
  message_copy(application, sizeof application, row->application_name);
  const char *const values[] = {row->id,
                                row->boot,
                                row->principal,
                                row->token,
                                row->endpoint,
                                row->branch,
                                row->project,
                                database,
                                source,
                                application,
                                row->tls ? "true" : "false",
                                actor->type,
                                actor->name,
                                actor->on_behalf_of,
                                text,
                                row->access,
                                version};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, record_sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  if (rows_get_integer(rows, 0, 3) == 0)
    return revoked(err);
  SessionRecorded recorded = rows_get_integer(rows, 0, 0) == 0   ? SESSION_ASLEEP
                             : rows_get_integer(rows, 0, 2) == 0 ? SESSION_STALE
                                                                 : SESSION_RECORDED;
  if (recorded == SESSION_RECORDED && rows_get_integer(rows, 0, 1) == 0)
    return error_set(err, ERROR_PROTOCOL, "session %.40s is somebody else's", row->id);
  *ret = recorded;
  return true;
}

static const char system_sql[] =
    "WITH held AS (SELECT FROM access.tokens WHERE token_id = $4 FOR KEY SHARE),"
    " recorded AS (INSERT INTO lakebase.sessions AS s (session_id, boot, principal_id,"
    "   token_id, database, source, application_name, tls, access)"
    "   SELECT $1, $2, $3, $4, $5, $6, $7, $8::boolean, 'read' FROM held"
    "   ON CONFLICT (session_id) DO UPDATE SET active_at = clock_timestamp()"
    "   WHERE s.principal_id = excluded.principal_id AND s.boot = excluded.boot"
    "   RETURNING s.xmax = 0 AS is_new),"
    " trail AS (INSERT INTO access.audit_events (actor_type, actor, on_behalf_of, session_id,"
    "   source_ip, service_name, action_name, request_params, status)"
    "   SELECT $9, $10, nullif($11, ''), $1, $6, 'proxy', 'session.start', $12::jsonb, 'ok'"
    "   FROM recorded WHERE is_new)"
    " SELECT (SELECT count(*) FROM recorded), (SELECT count(*) FROM held)";

bool session_record_system(Catalog *catalog, const SessionRow *row, const PrincipalRow *actor,
                           const json_t *params, Error *err) {
  char source[256];
  char application[256];
  AUTO(str_free) char *text = json_text(params);
  message_copy(source, sizeof source, row->source);
  message_copy(application, sizeof application, row->application_name);
  const char *const values[] = {
      row->id,       row->boot,   row->principal,      row->token,
      row->database, source,      application,         row->tls ? "true" : "false",
      actor->type,   actor->name, actor->on_behalf_of, text};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, system_sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  if (rows_get_integer(rows, 0, 1) == 0)
    return revoked(err);
  return rows_get_integer(rows, 0, 0) == 1 ||
         error_set(err, ERROR_PROTOCOL, "session %.40s is somebody else's", row->id);
}

/* In front of what may be lost with the last moments before a crash: nobody waits for the disk. */
#define LAZILY                                                                                     \
  "WITH lazily AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS off)"

/* Several sessions are locked in one order by all, whatever plan they are found by. */
#define IN_ORDER " ORDER BY s.session_id FOR UPDATE OF s"

/* Behind "theirs AS (SELECT s.session_id, HOW AS how ...)". */
#define GONE                                                                                       \
  ", gone AS (DELETE FROM lakebase.sessions AS s USING theirs"                                     \
  "   WHERE s.session_id = theirs.session_id RETURNING s.*, theirs.how)"

/* Behind it: the row of the trail that each leaves, and the time from which its compute is idle.
 * The endpoints, too, are locked in one order. */
#define LEAVE_A_TRACE                                                                              \
  ", held AS (SELECT endpoint_id FROM lakebase.endpoints"                                          \
  "   WHERE endpoint_id IN (SELECT endpoint_id FROM gone) ORDER BY endpoint_id FOR NO KEY UPDATE)" \
  ", touched AS (UPDATE lakebase.endpoints AS e SET active_at = clock_timestamp()"                 \
  "   FROM held WHERE e.endpoint_id = held.endpoint_id)"                                           \
  " INSERT INTO access.audit_events (actor_type, actor, on_behalf_of, session_id, source_ip,"      \
  " service_name, action_name, request_params, status, project_id, branch_id, endpoint_id)"        \
  " SELECT p.type, p.name, p.on_behalf_of, gone.session_id, gone.source, 'proxy',"                 \
  " 'session.end', jsonb_build_object('bytes_in', gone.bytes_in, 'bytes_out', gone.bytes_out,"     \
  " 'duration_ms', round(extract(epoch FROM clock_timestamp() - gone.started_at) * 1000))"         \
  " || gone.how, 'ok', gone.project_id, gone.branch_id, gone.endpoint_id"                          \
  " FROM gone JOIN lakebase.principals AS p USING (principal_id)"

bool sessions_end(Catalog *catalog, const json_t *ends, Error *err) {
  AUTO(str_free) char *text = json_text(ends);
  const char *value = text;
  return catalog_query(catalog,
                       LAZILY ", ended AS (SELECT * FROM jsonb_to_recordset($1::jsonb)"
                              "   AS r (session text, how jsonb))"
                              ", theirs AS (SELECT s.session_id, ended.how"
                              "   FROM lakebase.sessions AS s JOIN ended"
                              "   ON ended.session = s.session_id"
                              "   WHERE (SELECT off FROM lazily) = 'off'" IN_ORDER
                              ")" GONE LEAVE_A_TRACE,
                       1, &value, NULL, err);
}

bool session_count_bytes(Catalog *catalog, const json_t *sessions, Error *err) {
  static const char sql[] = LAZILY
      ", theirs AS (SELECT s.session_id, r.bytes_in, r.bytes_out FROM lakebase.sessions AS s"
      "   JOIN jsonb_to_recordset($1::jsonb) AS r (session text, bytes_in bigint, bytes_out bigint)"
      "   ON s.session_id = r.session WHERE (SELECT off FROM lazily) = 'off'" IN_ORDER ")"
      " UPDATE lakebase.sessions AS s SET bytes_in = theirs.bytes_in,"
      " bytes_out = theirs.bytes_out, active_at = clock_timestamp() FROM theirs"
      " WHERE s.session_id = theirs.session_id";
  AUTO(str_free) char *text = json_text(sessions);
  const char *value = text;
  return catalog_query(catalog, sql, 1, &value, NULL, err);
}

static const char lost[] = "{\"reason\":\"its proxy has it no more\",\"counters\":\"incomplete\"}";

bool session_end_unlisted(Catalog *catalog, const char *boot, const json_t *ids, Error *err) {
  AUTO(str_free) char *text = json_text(ids);
  const char *const values[] = {lost, boot, text};
  return catalog_query(catalog,
                       "WITH theirs AS (SELECT s.session_id, $1::jsonb AS how"
                       "   FROM lakebase.sessions AS s WHERE s.boot = $2"
                       "   AND NOT $3::jsonb ? s.session_id::text" IN_ORDER ")" GONE LEAVE_A_TRACE,
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool session_end_strangers(Catalog *catalog, const json_t *boots, size_t *ret_count, Error *err) {
  AUTO(str_free) char *text = json_text(boots);
  const char *const values[] = {lost, text};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "WITH theirs AS (SELECT s.session_id, $1::jsonb AS how"
                     "   FROM lakebase.sessions AS s"
                     "   WHERE NOT $2::jsonb ? s.boot" IN_ORDER ")" GONE LEAVE_A_TRACE,
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_count = rows_affected(rows);
  return true;
}

static json_t *first_column(const Rows *rows) {
  json_t *list = json_array();
  for (size_t at = 0; at < rows_count(rows); at++)
    (void)json_array_append_new(list, json_string(rows_get(rows, at, 0)));
  return list;
}

bool session_unwanted(Catalog *catalog, const json_t *ids, json_t **ret, Error *err) {
  static const char sql[] =
      "SELECT id FROM jsonb_array_elements_text($1::jsonb) AS id WHERE NOT EXISTS ("
      " SELECT FROM lakebase.sessions AS s JOIN lakebase.principals AS p USING (principal_id)"
      " JOIN access.tokens AS t USING (token_id)"
      " WHERE s.session_id = id AND p.removed_at IS NULL)";
  AUTO(str_free) char *text = json_text(ids);
  const char *value = text;
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 1, &value, &rows, err))
    return false;
  *ret = first_column(rows);
  return true;
}

bool session_of_tokens(Catalog *catalog, const json_t *tokens, json_t **ret, Error *err) {
  AUTO(str_free) char *text = json_text(tokens);
  const char *value = text;
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT session_id FROM lakebase.sessions WHERE $1::jsonb ? token_id::text", 1,
                     &value, &rows, err))
    return false;
  *ret = first_column(rows);
  return true;
}

bool session_counts(Catalog *catalog, json_t **ret, Error *err) {
  static const char sql[] = "SELECT endpoint_id, count(*), sum(bytes_in)::bigint,"
                            " sum(bytes_out)::bigint FROM lakebase.sessions"
                            " WHERE endpoint_id IS NOT NULL GROUP BY endpoint_id";
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 0, NULL, &rows, err))
    return false;
  json_t *counts = json_object();
  for (size_t at = 0; at < rows_count(rows); at++)
    (void)json_object_set_new(counts, rows_get(rows, at, 0),
                              json_pack("{s:I, s:I, s:I}", "sessions",
                                        (json_int_t)rows_get_integer(rows, at, 1), "bytes_in",
                                        (json_int_t)rows_get_integer(rows, at, 2), "bytes_out",
                                        (json_int_t)rows_get_integer(rows, at, 3)));
  *ret = counts;
  return true;
}

/* ---- sleep ---- */

bool endpoint_idle(Catalog *catalog, int64_t idle_seconds, bool roots, const json_t *declared,
                   json_t **ret, Error *err) {
  static const char sql[] =
      "WITH declared AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($3::jsonb)"
      "   AS d (project text, tier text, kind text, seconds bigint))"
      " SELECT b.branch_id FROM lakebase.endpoints AS e"
      " JOIN lakebase.branches AS b USING (branch_id)"
      " LEFT JOIN lakebase.tiers AS r ON r.branch_id = b.branch_id"
      " LEFT JOIN declared AS d ON d.project = b.project_id"
      "   AND (d.tier = r.name OR (r.name IS NULL AND d.kind = b.kind))"
      " CROSS JOIN LATERAL (SELECT coalesce(d.seconds,"
      "   CASE WHEN b.kind <> 'root' OR $2 THEN $1::bigint END) AS seconds) AS idle"
      " WHERE e.state = 'running' AND e.wanted AND b.state = 'ready' AND idle.seconds >= 0"
      " AND greatest(e.started_at, e.active_at)"
      "   < clock_timestamp() - idle.seconds * interval '1 second'"
      " AND NOT EXISTS (SELECT FROM lakebase.sessions AS s WHERE s.endpoint_id = e.endpoint_id)"
      " AND NOT EXISTS (SELECT FROM lakebase.operations AS o"
      "                 WHERE o.branch_id = b.branch_id AND o.state = 'running')";
  char seconds[CATALOG_NUMBER_SIZE];
  AUTO(str_free) char *text = json_text(declared);
  catalog_number(seconds, idle_seconds);
  const char *const values[] = {seconds, roots ? "true" : "false", text};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret = first_column(rows);
  return true;
}

bool endpoint_release(Catalog *catalog, const char *id, bool *ret_free, Error *err) {
  AUTO(rows_free) Rows *locked = NULL;
  AUTO(rows_free) Rows *updated = NULL;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  /* two statements: the second sees the sessions that came while the first waited */
  if (!catalog_begin(catalog, &guard, err) ||
      !catalog_query(catalog, "SELECT FROM lakebase.endpoints WHERE endpoint_id = $1 FOR UPDATE", 1,
                     &id, &locked, err) ||
      !catalog_query(catalog,
                     "UPDATE lakebase.endpoints SET wanted = false WHERE endpoint_id = $1"
                     " AND NOT EXISTS (SELECT FROM lakebase.sessions WHERE endpoint_id = $1)",
                     1, &id, &updated, err) ||
      !catalog_commit(&guard, err))
    return false;
  *ret_free = rows_affected(updated) == 1;
  return true;
}

bool endpoint_move(Catalog *catalog, const char *id, const char *branch, Error *err) {
  const char *const values[] = {id, branch};
  return catalog_query(catalog,
                       "UPDATE lakebase.endpoints SET branch_id = $2, volume_id = NULL,"
                       " failures = 0, error = '' WHERE endpoint_id = $1",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool endpoint_touch(Catalog *catalog, const char *id, Error *err) {
  return catalog_query(
      catalog, "UPDATE lakebase.endpoints SET active_at = clock_timestamp() WHERE endpoint_id = $1",
      1, &id, NULL, err);
}

bool endpoint_count_wake(Catalog *catalog, const char *id, Error *err) {
  return catalog_query(catalog,
                       "UPDATE lakebase.endpoints SET wakes = wakes + 1 WHERE endpoint_id = $1", 1,
                       &id, NULL, err);
}
