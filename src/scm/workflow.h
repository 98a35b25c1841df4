/* The workflow on the server: changes and what moves them. Each command of `bough scm` is an event
 * here; the table in states.def says what follows. JSON as in docs/api.md out, owned by the caller.
 *
 * A request of a command carries what the work tree says of itself: {git_branch, head, state_file?:
 * its text}. The record decides: a state file that differs from it blocks the event, and a
 * commit that the forge doesn't have as that branch's head isn't there. */
#pragma once

#include "branch/context.h"
#include "catalog/change.h"
#include "scm/machine.h"

/* The state that a row stands for; NULL, or one that was abandoned: SCM_SCAFFOLD. */
ScmState workflow_state(const ChangeRow *change);

/* ---- for those who see the world move: forge, CI, promotion ---- */

/* Moves the row by the table and writes it with its row in the audit, in one transaction. Times and
 * commits that belong to the new state are the caller's to put into the row before. A pair that is
 * refused leaves all as it was. */
CHECKED bool workflow_move(Context *context, ChangeRow *change, ScmEvent event, Error *err);

/* Writes the first row of a change, with its row in the audit: a claim, or an adoption. */
CHECKED bool workflow_claimed(Context *context, const ChangeRow *change, ScmEvent event,
                              Error *err);

/* The forge's branch has that commit now. Nobody's branch, or the commit that was prepared: nothing
 * happens. pusher becomes an author of the change. */
CHECKED bool workflow_pushed(Context *context, const char *project, const char *git_branch,
                             const char *head, const PrincipalRow *pusher, Error *err);
/* The tier's git branch has that commit now: takes changes back that were tested on another. */
CHECKED bool workflow_base_moved(Context *context, const char *project, const char *tier,
                                 const char *base, Error *err);

/* What a merge made of a change: for whoever merges, within its last transaction; also after a
 * crash. Fills the row and moves it to merged. */
typedef struct WorkflowMerge {
  const char *commit;   /* of the tier, with the change in it */
  const char *snapshot; /* branch of the tier as it was */
  int64_t migrated_at;
} WorkflowMerge;
CHECKED bool workflow_merged(Context *context, ChangeRow *change, const WorkflowMerge *merge,
                             Error *err);
