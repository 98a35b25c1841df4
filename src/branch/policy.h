/* The policy of a project: applying another one, and what is told about it. JSON as in docs/api.md
 * out, owned by the caller. */
#pragma once

#include "branch/context.h"

/* What applying that file would change: {version, same, difference, text, branches}. */
CHECKED bool policy_preview(Context *context, const ProjectRow *project, const char *text,
                            json_t **ret, Error *err);
/* Puts it in force. First makes the branches of tiers that have none, each an operation; then,
 * while nobody is in the middle of what can't be taken back, stores the version and binds the
 * tiers; then ends the sessions that lost their right. base: the version that the caller has seen,
 * -1: any; POLICY_CHANGED where another one is in force. What a failure leaves is the policy
 * before. */
CHECKED bool policy_apply(Context *context, const ProjectRow *project, const char *text, int base,
                          json_t **ret, Error *err);

/* version 0: the one in force. */
CHECKED bool policy_show(Context *context, const ProjectRow *project, int version, json_t **ret,
                         Error *err);
CHECKED bool policy_history(Context *context, const ProjectRow *project, json_t **ret, Error *err);
/* What may be done on a branch, role by role. */
CHECKED bool policy_show_effective(Context *context, const ProjectRow *project, const char *branch,
                                   json_t **ret, Error *err);

typedef struct PolicyExplainRequest {
  const char *principal;
  const char *action;
  const char *branch; /* NULL: an action of the whole project */
  const char *kind;   /* of what would be made; NULL: none */
  const char *to;     /* tier of a promotion, name of what would be made; NULL: none */
} PolicyExplainRequest;
/* The decision, and the line of the file behind it. For others than oneself: the platform, and who
 * may apply a policy. */
CHECKED bool policy_explain(Context *context, const ProjectRow *project,
                            const PolicyExplainRequest *request, json_t **ret, Error *err);
