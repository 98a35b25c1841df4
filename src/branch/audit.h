/* What a request leaves in access.audit.
 *
 * The worker begins a trail for each request and ends it before the answer is sent. In between use
 * cases add to it what they learn. A success leaves its row in the transaction of its effect: an
 * operation by its end (operation_finish writes it, whoever comes to that), anything else by
 * audit_record. A refusal or failure that no operation of its own tells of gets its row from
 * audit_end, with what was noted until then. Refusals that repeat within a minute are counted: the
 * first leaves its row at once, the others one row with their number. */
#pragma once

#include "branch/context.h"

/* Who asked what, from where. */
typedef struct AuditStart {
  const char *request; /* id; NULL in a job */
  const char *source;  /* may be NULL */
  const char *action;  /* static; NULL in a job */
  json_t *params;      /* by the route's allow-list; stolen; may be NULL */
  bool changes;        /* success leaves a row even when no use case wrote one */
} AuditStart;
void audit_begin(Context *context, const AuditStart *start);

/* Adds to the row's request_params, whatever comes of the request: audit_note(context, "rule",
 * json_string(text)). value is stolen; never a secret. */
void audit_note(Context *context, const char *key, json_t *value);
/* The request is about that branch; NULL: about that project. Ids. */
void audit_about(Context *context, const char *project, const char *branch);

/* What was done, within the caller's transaction. params (borrowed) go on top of the request's;
 * action NULL: that of the request. */
CHECKED bool audit_record(Context *context, const char *action, json_t *params, Error *err);

/* A refusal, or a failure, that isn't the request's own result: one decision of a job, one branch
 * of many. Written at once, outside of any transaction; repeats are counted. */
CHECKED bool audit_refuse(Context *context, const char *action, json_t *params,
                          const Error *failure, Error *err);

/* What boughd refused before anybody was asked: {action, request, source, error}. */
CHECKED bool audit_refused_early(Context *context, const json_t *params, Error *err);

/* Writes what is still missing: failure NULL where the request was done. When this fails nobody may
 * be told what wasn't recorded. */
CHECKED bool audit_end(Context *context, const Error *failure, Error *err);
void trail_release(Trail *trail);

/* What an operation keeps of the trail, for the row that its end leaves. Owned by the caller. */
json_t *audit_of_operation(const Context *context);
