/* access.audit_events: who did what, or wasn't let. */
#include "catalog/access.h"

#include "catalog/row.h"

#include <stdio.h>

enum { ACTOR_SIZE = 256 };

/* A row as parameters $1 to $15, in the order of COLUMNS. */
typedef struct Values {
  char actor[ACTOR_SIZE];
  char message[sizeof((Error *)NULL)->message];
  char *params; /* owned */
  const char *values[16];
} Values;

#define COLUMNS                                                                                    \
  "actor_type, actor, on_behalf_of, session_id, source_ip, service_name, action_name,"             \
  " request_id, request_params, status, error_code, error_message, project_id, branch_id,"         \
  " endpoint_id"
#define PARAMETERS                                                                                 \
  "$1, $2, nullif($3, ''), $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12, $13, $14, $15"
enum { PARAMETER_COUNT = 15 };

const char *audit_status(const Error *failure) {
  const ErrorInfo *info = failure != NULL ? error_info(failure->code) : NULL;
  if (info == NULL)
    return "ok";
  return info->exit_status == 3 || info->exit_status == 4 ? "failed" : "refused";
}

static void values_release(Values *values) {
  str_free(values->params);
}

static void fill(const AuditRow *row, Values *ret) {
  const PrincipalRow *actor = row->actor;
  const char *name = row->actor_name != NULL ? row->actor_name : "";
  ret->params = row->params != NULL ? json_text(row->params) : str_dup("{}");
  message_copy(ret->actor, sizeof ret->actor, actor != NULL ? actor->name : name);
  message_copy(ret->message, sizeof ret->message,
               row->failure != NULL ? row->failure->message : "");
  const char *const values[PARAMETER_COUNT] = {
      actor != NULL               ? actor->type
      : str_equal(name, "system") ? "system"
                                  : "unknown",
      ret->actor,
      actor != NULL ? actor->on_behalf_of : "",
      row->session,
      row->source,
      row->service,
      row->action,
      row->request,
      ret->params,
      audit_status(row->failure),
      row->failure != NULL ? error_info(row->failure->code)->code : NULL,
      row->failure != NULL ? ret->message : NULL,
      row->project,
      row->branch,
      row->endpoint,
  };
  for (size_t at = 0; at < PARAMETER_COUNT; at++)
    ret->values[at] = values[at];
}

bool audit_insert(Catalog *catalog, const AuditRow *row, Error *err) {
  AUTO_RELEASE(values_release) Values values = {0};
  fill(row, &values);
  return catalog_query(catalog,
                       "INSERT INTO access.audit_events (" COLUMNS ") VALUES (" PARAMETERS ")",
                       PARAMETER_COUNT, values.values, NULL, err);
}

/* ---- floods ---- */

/* One statement: the first of its kind leaves a row, the others a number. These don't wait for the
 * disk: what a crash of the catalog's server may take is the last half second of repeats. */
static const char count_sql[] =
    "WITH counted AS (INSERT INTO access.audit_refusals AS r (actor, source, service_name,"
    "   action_name, error_code, actor_type, on_behalf_of, status, error_message)"
    "   VALUES (CASE WHEN $1 = 'unknown' THEN '' ELSE $2 END, coalesce($5, ''), $6, $7,"
    "     coalesce($11, ''), $1, nullif($3, ''), $10, $12)"
    "   ON CONFLICT (actor, source, service_name, action_name, error_code)"
    "   DO UPDATE SET count = r.count + $16::bigint, last = clock_timestamp()"
    "   RETURNING r.count = 0 AS is_first),"
    " trail AS (INSERT INTO access.audit_events (" COLUMNS ") SELECT " PARAMETERS
    "   FROM counted WHERE is_first)"
    " SELECT CASE WHEN NOT is_first THEN set_config('synchronous_commit', 'off', true) END"
    " FROM counted";

bool audit_count_refusal(Catalog *catalog, const AuditRow *row, int64_t count, Error *err) {
  AUTO_RELEASE(values_release) Values values = {0};
  char number[24];
  (void)snprintf(number, sizeof number, "%lld", (long long)count);
  fill(row, &values);
  values.values[PARAMETER_COUNT] = number;
  return catalog_query(catalog, count_sql, PARAMETER_COUNT + 1, values.values, NULL, err);
}

/* What was seen once has its row already. */
bool audit_flush_refusals(Catalog *catalog, bool all, Error *err) {
  static const char sql[] =
      "WITH over AS (DELETE FROM access.audit_refusals"
      "   WHERE $1::boolean OR since < clock_timestamp() - interval '1 minute'"
      "   OR since > clock_timestamp() + interval '1 minute' RETURNING *)"
      " INSERT INTO access.audit_events (actor_type, actor, on_behalf_of, source_ip, service_name,"
      " action_name, request_params, status, error_code, error_message)"
      " SELECT actor_type, actor, on_behalf_of, nullif(source, ''), service_name, action_name,"
      " jsonb_build_object('count', count, 'since', since, 'last', last), status,"
      " nullif(error_code, ''), error_message FROM over WHERE count > 0";
  const char *value = all ? "true" : "false";
  return catalog_query(catalog, sql, 1, &value, NULL, err);
}
