/* A queue per tier, of merges that can't be done at once: others may come first, or the tier has
 * moved since CI. boughd tests who waits on the tier as it is, several together where there are
 * several, and merges them one after the other, each with the right of who asked for it. What is
 * merged was tested with exactly what is in the tier before it: docs/adr/0010-merge-queue.md.
 *
 * JSON as in docs/api.md out, owned by the caller. */
#pragma once

#include "catalog/ci.h"
#include "catalog/queue.h"
#include "scm/step.h"

/* The built-in forge alone: another one's tiers move without Bough. */
bool queue_serves(const Forge *forge);

/* ---- for the commands of the workflow ---- */

/* Whether a merge has to go through the queue: the policy asks for CI, and others are green, or
 * wait already, or CI hasn't passed for the tier as it is. */
CHECKED bool queue_takes(Step *step, bool *ret, Error *err);
/* Asks every gate but CI's, puts the merge into the queue and tells where it stands ("queued" of
 * the answer). One that stands there already stays where it is. */
CHECKED bool queue_enter(Step *step, Error *err);
/* Takes it out. NOTHING_TO_DO; BRANCH_BUSY where it is being merged. */
CHECKED bool queue_leave(Step *step, Error *err);

/* ---- for gates and CI ---- */

/* Names of the checks that the queue's run passed, where `base` is what it tested head on, with
 * those merged that were tested before it: an array, empty where that isn't so. */
CHECKED bool queue_evidence(Context *context, const ProjectRow *project, int64_t pull,
                            const char *head, const char *base, json_t **ret, Error *err);
/* Whether a run is a queue's. */
bool queue_has_run(const CiRunRow *run);
/* The live commits of a queue's run; *ret_open is false when those whom it tests aren't what the
 * queue wants tested any more. */
CHECKED bool queue_read_live(Context *context, Forge *forge, const CiRunRow *run,
                             char head[GIT_OID_SIZE], char base[GIT_OID_SIZE], bool *ret_open,
                             Error *err);

/* ---- looking ---- */

/* {"queue":[...]} of all tiers that the caller may use, tier by tier, in the order in which
 * they are merged. */
CHECKED bool queue_show_all(Context *context, const ProjectRow *project, json_t **ret, Error *err);
/* {"entry"}: also when it has ended. NOTHING_TO_DO. */
CHECKED bool queue_show(Context *context, const ProjectRow *project, const char *id, json_t **ret,
                        Error *err);

/* ---- a job of boughd's ---- */

/* Takes each queue as far as it goes now. {"events"}. */
CHECKED bool queue_serve(Context *context, json_t **ret, Error *err);
