/* What can be done with branches, for whoever calls: API, jobs, later the workflow. Each use case
 * checks the caller's right, records an operation, and leaves either its full effect or none. Names
 * in, JSON as in docs/api.md out (owned by the caller). */
#pragma once

#include "branch/context.h"

typedef struct BranchRequest {
  const char *name;
  const char *parent; /* NULL: the declared one; without a policy the project's root */
  const char *kind;   /* NULL: "feature" */
  const char *ttl;    /* "7d"; NULL: what the policy gives its kind */
  bool start;
  bool is_copy; /* of a branch that the request has just made for itself, and throws away: whoever
      may make that one may make this one */
  const BranchRow *copied; /* of a copy: what is forked, found by its maker; NULL: parent says it */
  bool is_scratch;         /* thrown away by this process: its time is over when that has ended */
  bool is_tier; /* for who has asked for policy.apply: a branch to stand for the tier of its name */
} BranchRequest;

CHECKED bool branch_create(Context *context, const ProjectRow *project,
                           const BranchRequest *request, json_t **ret, Error *err);
/* What a reset of the branch, which has a parent, brings: the parent's present state; where that
 * stood for a tier and was replaced, the state of what stands for the tier now. */
CHECKED bool branch_reset_source(Context *context, const BranchRow *branch, BranchRow *ret,
                                 Error *err);
CHECKED bool branch_reset(Context *context, const ProjectRow *project, const char *name,
                          json_t **ret, Error *err);
CHECKED bool branch_rename(Context *context, const ProjectRow *project, const char *name,
                           const char *new_name, json_t **ret, Error *err);
CHECKED bool branch_protect(Context *context, const ProjectRow *project, const char *name,
                            bool is_protected, json_t **ret, Error *err);
/* With recursive its descendants go first; otherwise they live on. */
CHECKED bool branch_delete(Context *context, const ProjectRow *project, const char *name,
                           bool recursive, json_t **ret, Error *err);
/* What the reaper does with one whose time is over: it goes, or, when others were forked from it,
 * is closed until they have gone (branch/retire.c). CANCELLED when its time isn't over any more. */
CHECKED bool branch_delete_expired(Context *context, const char *id, Error *err);
/* For the workflow: the branch of a change that has ended, nobody being asked for branch.delete.
 * One that is gone, or going, is fine. */
CHECKED bool branch_delete_ended(Context *context, const char *id, Error *err);
CHECKED bool branch_retire(Context *context, const char *id, Error *err);
CHECKED bool project_delete(Context *context, const ProjectRow *project, Error *err);

/* Moves the branch's name and endpoint to a new branch made from branch to; the old one stays under
 * a generated name. grace: how long open sessions may go on ("2s"; "0"; NULL: the default). */
CHECKED bool branch_repoint(Context *context, const ProjectRow *project, const char *name,
                            const char *to, const char *grace, json_t **ret, Error *err);

/* Recovery of the operations above; see operation.c. */
bool branch_create_recover(Context *context, const OperationRow *operation, Error *err);
bool branch_reset_recover(Context *context, const OperationRow *operation, Error *err);
bool branch_rename_recover(Context *context, const OperationRow *operation, Error *err);
bool branch_repoint_recover(Context *context, const OperationRow *operation, Error *err);
bool branch_retire_recover(Context *context, const OperationRow *operation, Error *err);
bool branch_delete_recover(Context *context, const OperationRow *operation, Error *err);
bool project_delete_recover(Context *context, const OperationRow *operation, Error *err);

/* A branch that the caller may use; BRANCH_NOT_FOUND otherwise, in the same words. */
CHECKED bool branch_resolve(Context *context, const ProjectRow *project, const char *name,
                            BranchRow *ret, Error *err);
/* name "-": the only project there is. */
CHECKED bool project_resolve(Context *context, const char *name, ProjectRow *ret, Error *err);
