/* One command of the workflow on its way through the table: what guards look at and actions work
 * with. Guards are in guard.c, actions in action.c; states.def names them. */
#pragma once

#include "branch/access.h"
#include "scm/forge.h"
#include "scm/workflow.h"

typedef struct Step {
  Context *context;
  const ProjectRow *project;
  const Policy *policy; /* borrowed until the request ends */
  const json_t *body;   /* of the request, as workflow.h says */
  const char *feature;
  ScmEvent event;
  ScmState state; /* that the command starts from */
  Forge *forge;
  ChangeRow change;
  bool has_change; /* change holds one, living or merged */
  /* What guards find out for the action: */
  char kind[NAME_MAX_LENGTH + 1];
  char tier[NAME_MAX_LENGTH + 1];
  char git_branch[GIT_NAME_SIZE];
  char head[GIT_OID_SIZE]; /* of the git branch, live */
  char base[GIT_OID_SIZE]; /* of the tier, live */
  BranchRow branch;        /* the database branch of that name, if there is one */
  bool has_branch;
  json_t *notes; /* of the answer: more members; owned */
} Step;

typedef bool ScmDeed(Step *step, Error *err);

ScmDeed guard_nothing, guard_init, guard_claim, guard_adopt, guard_again, guard_prepare, guard_ci,
    guard_merge, guard_abandon, guard_undo, guard_withdraw;
ScmDeed action_nothing, action_init, action_claim, action_prepare, action_ci, action_merge,
    action_clean, action_abandon, action_undo, action_withdraw;

/* The merge itself, once the gates let it through; then the pair goes. */
CHECKED bool step_merge(Step *step, Error *err);
/* Fills policy. BAD_PRECONDITION where none is in force: there are no tiers. */
CHECKED bool step_find_policy(Step *step, Error *err);
/* Holds the state file that the request carries against the record of the branch that its HEAD
 * stands on; a request without one comes from no work tree. */
CHECKED bool step_check_mirror(Step *step, Error *err);
/* Fills head and base with the live commits of the change's branch and of its tier. NOTHING_TO_DO
 * where one of them isn't in the forge. */
CHECKED bool step_read_commits(Step *step, Error *err);
/* The migrations of a commit, out of its folder "migrations": as migrate.h's requests have them;
 * none where it has no such folder. Owned by the caller. */
CHECKED bool step_migrations(Step *step, const char *commit, json_t **ret, Error *err);
/* Whether the caller made it, or had it made. */
bool step_is_own(const Step *step, const char *by, const char *behalf);
/* The change's tier is still where its kind goes. WRONG_TIER. */
CHECKED bool step_check_parent(Step *step, Error *err);
