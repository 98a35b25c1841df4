/* Putting right what a crash left behind: run once at each start of boughd, before any request. */
#pragma once

#include "branch/context.h"

/* Ends the agent's work for an earlier boughd, recovers operations whose worker is gone, adopts
 * computes that run, restarts those that should, removes volumes, directories and lock files that
 * no row knows any more but an operation of ours made. What isn't ours is left alone. Goes on past
 * failures: each is an entry of *ret_problems (array of texts, owned). */
CHECKED bool recover(Context *context, json_t **ret_problems, Error *err);

/* The part of it that is due when a single worker ended in the middle of an operation. */
CHECKED bool recover_interrupted(Context *context, json_t **ret_problems, Error *err);
