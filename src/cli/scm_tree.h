/* The git work tree that a command of the workflow stands in, and the two files in it that Bough
 * keeps: .lakebase/workflow-state.json, the mirror of the server's record, and a block of .env. */
#pragma once

#include "cli/command.h"
#include "git/git.h"

#define SCM_STATE_FILE ".lakebase/workflow-state.json"

typedef struct ScmTree {
  Cli *cli;
  Git git;                 /* of top */
  char *top;               /* owned */
  char *branch;            /* that HEAD stands on; owned, NULL: on none */
  const char *project;     /* of cli_project */
  char head[GIT_OID_SIZE]; /* "": nothing is committed yet */
} ScmTree;

/* Looks at the work tree around the current directory. NOTHING_TO_DO outside of one. */
CHECKED bool scm_tree_open(Cli *cli, ScmTree *ret, Error *err);
void scm_tree_release(ScmTree *tree);

/* DIRTY_WORK_TREE, naming a file. but: a path that doesn't count, may be NULL. */
CHECKED bool scm_tree_require_clean(const ScmTree *tree, const char *but, Error *err);

/* A request of the workflow's routes: POST /v1/projects/P/workflow/REST (GET without a body). */
CHECKED bool scm_tree_call(const ScmTree *tree, const char *method, const char *rest,
                           const json_t *body, json_t **ret, Error *err);
/* What the work tree says of itself: {git_branch, head, state_file}; owned by the caller. */
json_t *scm_tree_body(const ScmTree *tree);
/* What it is to hold, by the server's record. */
CHECKED bool scm_tree_ask(const ScmTree *tree, json_t **ret, Error *err);

/* The state file as it is: NULL where there is none or it is no JSON object. Owned by the caller.
 */
json_t *scm_tree_state(const ScmTree *tree);
/* Whether it says what the server's answer has as state_file. */
bool scm_tree_agrees(const ScmTree *tree, const json_t *answer);
/* Writes state file and .env as the answer has them; an .env that git tracks stays. The former is
 * held against its schema first. */
CHECKED bool scm_tree_write(const ScmTree *tree, const json_t *answer, Error *err);

/* ---- git ---- */

/* The remote that the project's repository is; "bough", unless the repository says bough.remote. */
CHECKED bool scm_tree_remote(const ScmTree *tree, char **ret, Error *err);
/* Brings a branch of the remote; refs/remotes/REMOTE/BRANCH is it then. */
CHECKED bool scm_tree_fetch(const ScmTree *tree, const char *branch, Error *err);
/* Checks that branch out, Bough's own hook keeping quiet. */
CHECKED bool scm_tree_checkout(const ScmTree *tree, const char *branch, Error *err);
/* The tier as the remote has it: its local branch, brought forward, or, where another work tree
 * stands on it, the commit alone. */
CHECKED bool scm_tree_leave(const ScmTree *tree, const char *tier, Error *err);
