/* A promotion while it is carried out: what its steps (promote_*.c) hand to each other. */
#pragma once

#include "branch/access.h"
#include "catalog/promotion.h"
#include "scm/forge.h"
#include "scm/promote.h"

/* Columns of lakebase.promotions: the last step that is behind a promotion. */
#define STEP_RECORDED "recorded"
#define STEP_SNAPSHOT "snapshot"
#define STEP_MEASURED "measured"
#define STEP_MIGRATING "migrating" /* from here on it goes forward, or is taken back */
#define STEP_MIGRATED "migrated"
#define STEP_MERGED "merged"
#define STEP_UNDOING "undoing" /* one that stopped is taken back */

/* Kinds of operations; see the table in branch/operation.c. */
#define PROMOTE_OPERATION "promote"
#define UNDO_OPERATION "promote.undo"

typedef struct Promotion {
  Context *context;
  const ProjectRow *project;
  BranchRow source;
  BranchRow target; /* stands for the tier now */
  PromotionRow row; /* as it is, or would be, recorded */
  bool has_row;
  json_t *list; /* the change: see migrate/carry.h */
  char *text;   /* the same, as it is kept */
  SchemaDiffRow diff;
  bool has_diff; /* and it is whole, and of this change */
  json_t *approved_by;
  json_t *changes_by; /* who asks for changes of the pull request; NULL: none was read */
  json_t *checks;
  Forge *forge; /* NULL: the project has no repository */
  PullRequest request;
  char message[512]; /* of the merge */
  bool moves_git;    /* there are commits to be merged */
  OperationRow operation;
  char snapshot_name[NAME_MAX_LENGTH + 1]; /* that it makes, or made */
  char copy_name[NAME_MAX_LENGTH + 1];
  bool resumes; /* it stopped half-way before: what the tier was is kept already */
  bool goes_on; /* and it is what was begun: that change, at those commits */
  bool is_run;  /* the tier has all of the migrations by now */
  BranchRow snapshot;
  json_t
      *begun_checks; /* passed for these commits when it was begun; NULL: it goes on with nothing */
  json_t *digests;   /* of the schemas on the copy, and so on the tier */
} Promotion;
void promotion_release(Promotion *promotion);

/* ---- promote_look.c ---- */

/* Who and what: branches, forge, live commits. from: a tier or a branch that the caller sees. */
CHECKED bool promotion_find(Context *context, const ProjectRow *project,
                            const PromoteRequest *request, Promotion *ret, Error *err);
/* The branch that stands for the tier now. BRANCH_NOT_FOUND. */
CHECKED bool promotion_find_tier(Context *context, const ProjectRow *project, const char *tier,
                                 BranchRow *ret, Error *err);
/* What is to be run, as it is now; and which of its evidence is there. */
CHECKED bool promotion_look(Promotion *promotion, Error *err);
/* Writes the row: a new one, or the one that waits. */
CHECKED bool promotion_save(Promotion *promotion, Error *err);
/* The same for who looks, and carries nothing out: it leaves alone what doesn't wait any more. */
CHECKED bool promotion_save_open(Promotion *promotion, Error *err);

/* The list of the row's change, as it was kept. */
CHECKED bool promotion_load_list(Promotion *promotion, Error *err);
/* All that the row of one that was begun has. */
CHECKED bool promotion_load(Promotion *promotion, Error *err);

/* ---- promote_gate.c ---- */

/* Reads approvals and checks that count for exactly this state. */
CHECKED bool promotion_read_evidence(Promotion *promotion, Error *err);
/* Asks for the right to promote, with that evidence, and for migration.privilege where who may do
 * what changes. FORBIDDEN. */
CHECKED bool promotion_ask(Promotion *promotion, Error *err);
/* [{gate, ok, message}], owned. */
CHECKED bool promotion_gates(Promotion *promotion, json_t **ret, Error *err);

/* ---- promote_measure.c ---- */

/* Runs the change on a copy of base (a snapshot of the tier, or the tier itself) and fills diff and
 * digests with what that does; the copy goes. */
CHECKED bool promotion_rehearse(Promotion *promotion, const BranchRow *base, Error *err);
/* Keeps diff as the change's. */
CHECKED bool promotion_keep_diff(Promotion *promotion, Error *err);

/* ---- promote_run.c: from the confirmed gates to the end ---- */

/* Records the operation, on the branch that stands for the tier; waits while another one has that.
 */
CHECKED bool promotion_begin(Promotion *promotion, const char *kind, Error *err);

/* Runs what is missing on the tier, reads it back, moves git, ends row and operation. What fails is
 * taken back. Can be begun again wherever a killed one stopped. */
CHECKED bool promotion_run(Promotion *promotion, Error *err);
/* Takes back what the list brought to the tier, by the migrations' own undo, and ends the promotion
 * as failed, or, where that can't be had, as stopped. */
CHECKED bool promotion_undo(Promotion *promotion, Error *err);
/* Sets and saves the step, while the promotion runs. */
CHECKED bool promotion_step(Promotion *promotion, const char *step, Error *err);
/* Ends row and operation; failure NULL: it is done. */
CHECKED bool promotion_end(Promotion *promotion, PromotionState state, const Error *failure,
                           Error *err);

/* ---- promote_git.c: the forge's part ---- */

/* Opens the forge and reads the live commits; without a repository nothing. */
CHECKED bool promotion_find_commits(Promotion *promotion, const PromoteRequest *request,
                                    Error *err);
/* Approvals of the pull request, and the checks of the runs for exactly these commits. */
CHECKED bool promotion_read_forge(Promotion *promotion, Error *err);
/* Between tiers: CI of what the promotion would make, once per pair of commits. A pull request has
 * had its own. */
CHECKED bool promotion_request_runs(Promotion *promotion, Error *err);
/* Whether git stands still where the gates looked at it, and so can be merged. MERGE_STALE. */
CHECKED bool promotion_check_commits(Promotion *promotion, Error *err);
/* Merges, once, what the gates looked at; fills row.merge_commit. */
CHECKED bool promotion_merge(Promotion *promotion, Error *err);
/* In the last transaction: the workflow's record of the change. */
CHECKED bool promotion_tell_workflow(Promotion *promotion, Error *err);
/* Behind it: whoever was tested on the tier as it was. */
CHECKED bool promotion_tell_others(Promotion *promotion, Error *err);

/* ---- promote_check.c: the declared post-check ---- */

/* Runs it against the tier, if one is declared. POST_CHECK_FAILED. */
CHECKED bool promotion_post_check(Promotion *promotion, Error *err);
