/* access.audit: who did what, or wasn't let. */
#include "catalog/access.h"

#include "catalog/row.h"

bool audit_insert(Catalog *catalog, const AuditRow *row, Error *err) {
  static const char sql[] =
      "INSERT INTO access.audit (actor_type, actor, on_behalf_of, session_id, source_ip,"
      " service_name, action_name, request_params, status, error_code, error_message,"
      " project_id, branch_id, endpoint_id)"
      " VALUES ($1, $2, nullif($3, ''), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
  AUTO(str_free) char *params = row->params != NULL ? json_text(row->params) : str_dup("{}");
  char message[sizeof row->failure->message] = "";
  char name[256] = "";
  const ErrorInfo *info = row->failure != NULL ? error_info(row->failure->code) : NULL;
  if (row->failure != NULL)
    message_copy(message, sizeof message, row->failure->message);
  message_copy(name, sizeof name,
               row->actor != NULL        ? row->actor->name
               : row->actor_name != NULL ? row->actor_name
                                         : "");
  const char *const values[] = {
      row->actor != NULL ? row->actor->type : "unknown",
      name,
      row->actor != NULL ? row->actor->on_behalf_of : "",
      row->session,
      row->source,
      row->service,
      row->action,
      params,
      info == NULL                                       ? "ok"
      : info->exit_status == 3 || info->exit_status == 4 ? "failed"
                                                         : "refused",
      info != NULL ? info->code : NULL,
      info != NULL ? message : NULL,
      row->project,
      row->branch,
      row->endpoint,
  };
  return catalog_query(catalog, sql, ARRAY_LENGTH(values), values, NULL, err);
}
