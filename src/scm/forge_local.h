/* Parts of the local driver that stand in files of their own: what is said about changes. As in
 * forge_driver.h. */
#pragma once

#include "scm/forge_driver.h"

CHECKED bool local_review_add(Forge *forge, const PullRequest *pull, ReviewVerdict verdict,
                              const char *body, Error *err);
CHECKED bool local_review_list(Forge *forge, int64_t number, Review **ret, size_t *ret_count,
                               Error *err);
CHECKED bool local_comment_add(Forge *forge, int64_t number, const char *body, Error *err);
CHECKED bool local_comment_set(Forge *forge, int64_t number, const char *marker, const char *body,
                               Error *err);
CHECKED bool local_comment_list(Forge *forge, int64_t number, Comment **ret, size_t *ret_count,
                                Error *err);
CHECKED bool local_status_set(Forge *forge, const char *commit, const CommitStatus *status,
                              Error *err);
CHECKED bool local_status_list(Forge *forge, const char *commit, CommitStatus **ret,
                               size_t *ret_count, Error *err);
