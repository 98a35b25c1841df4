/* Pull requests for the API: JSON as in docs/api.md out, owned by the caller. Whoever may read the
 * project's code may read them. */
#pragma once

#include "branch/context.h"

/* {forge, url}: what is cloned. */
CHECKED bool pull_repository(Context *context, const ProjectRow *project, json_t **ret, Error *err);
/* {pulls:[...]}, the newest first. */
CHECKED bool pull_list(Context *context, const ProjectRow *project, bool only_open, json_t **ret,
                       Error *err);
/* {pull, reviews, comments, statuses, approved_by, changes_by}. number: as text. */
CHECKED bool pull_show(Context *context, const ProjectRow *project, const char *number,
                       json_t **ret, Error *err);
/* body: {head_branch, base_branch?, title?, text?}. {pull}. */
CHECKED bool pull_open(Context *context, const ProjectRow *project, const json_t *body,
                       json_t **ret, Error *err);
/* Of who may push to its branch. {pull}. */
CHECKED bool pull_close(Context *context, const ProjectRow *project, const char *number,
                        json_t **ret, Error *err);
/* body: {verdict: "approve", "request-changes", "comment", head?, text?}. As pull_show. */
CHECKED bool pull_review(Context *context, const ProjectRow *project, const char *number,
                         const json_t *body, json_t **ret, Error *err);
/* body: {text}. As pull_show. */
CHECKED bool pull_comment(Context *context, const ProjectRow *project, const char *number,
                          const json_t *body, json_t **ret, Error *err);
