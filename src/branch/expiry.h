/* When a branch ends: what may be asked for, and what it means for one whose time is over. */
#pragma once

#include "branch/context.h"

/* The end of a branch of that kind that is made at created_at. ttl as people write it; NULL: what
 * the policy gives its kind. 0: none. LIMIT_REACHED past the policy's cap. */
CHECKED bool expiry_of_new(Context *context, const ProjectRow *project, const char *kind,
                           const char *ttl, int64_t created_at, int64_t *ret, Error *err);

/* branch expire: from now on for ttl, or (NULL) forever. Wherever the policy has a cap for the
 * branch's kind, nothing ends later than that after the branch was made, however often it is
 * extended. */
CHECKED bool branch_expire(Context *context, const ProjectRow *project, const char *name,
                           const char *ttl, json_t **ret, Error *err);

/* BRANCH_EXPIRED for one that is closed and only waits for its children to go. */
CHECKED bool expiry_check_open(const BranchRow *branch, Error *err);

/* Under an operation: CANCELLED when the branch's time isn't over, or it is one that never ends. */
CHECKED bool expiry_check_over(const BranchRow *branch, Error *err);
/* In audit and outbox: its time was over, and what was done. */
CHECKED bool expiry_record(Context *context, const BranchRow *branch, const char *what, Error *err);

/* How many microseconds before its end it is announced: a quarter of its time, at most a day. */
int64_t expiry_notice_us(int64_t created_at, int64_t expires_at);
