/* The block of .env that says which database branch belongs to the work tree. It holds no secret:
 * the password is what `bough scm password` prints, for as long as its token is good. */
#pragma once

#include "core/error.h"
#include "core/json.h"

/* Rewires the block to answer.branch (of the workflow's routes); what stands around it stays. */
CHECKED bool scm_env_write(const char *top, const json_t *answer, Error *err);
/* The value of BOUGH_BRANCH in the block, owned by the caller; NULL: there is no block. */
CHECKED bool scm_env_branch(const char *top, char **ret, Error *err);

/* Pure, for tests. text may be "" ; owned by the caller. */
char *scm_env_replace(const char *text, const char *block);
char *scm_env_block(const json_t *answer);
