/* The one interface to where a project's code lives: branches, pull requests, reviews, comments,
 * statuses, merges. A project has one repository; which forge keeps it is a setting of the project:
 * "local" (forge_local.c: Bough's own bare repository) unless another one was set.
 *
 * What is read is live: heads and bases are those of this moment, never what somebody said of them.
 * Texts that a forge gives are untrusted input. Nothing here decides who may merge: gates do
 * (promote), and hand over the very commits that they looked at. */
#pragma once

#include "branch/context.h"
#include "git/git.h"

enum {
  FORGE_TITLE_SIZE = 257,
  FORGE_BODY_LIMIT = 64 * 1024, /* of a pull request, a comment, a review */
  FORGE_URL_SIZE = 513,
  FORGE_CHECK_SIZE = 101, /* name of a status */
  FORGE_LIST_LIMIT = 1000,
};

typedef struct Forge Forge;

/* The forge of a project; it borrows context and project. */
CHECKED bool forge_open(Context *context, const ProjectRow *project, Forge **ret, Error *err);
void forge_free(Forge *forge);
DEFINE_AUTO(Forge *, forge_free)
/* "local", "github". */
const char *forge_kind(const Forge *forge);
/* What is cloned: "bough://inventory", "https://github.com/acme/inventory.git". Borrowed. */
const char *forge_clone_url(const Forge *forge);

/* ---- branches ---- */

/* The head of a branch now. */
CHECKED bool forge_branch_head(Forge *forge, const char *branch, char ret[GIT_OID_SIZE],
                               bool *ret_found, Error *err);
/* Removes it if it is still there at `expected` (NULL: wherever it is). One that is gone is fine.
 * MERGE_STALE. Who may is the caller's question. */
CHECKED bool forge_branch_delete(Forge *forge, const char *branch, const char *expected,
                                 Error *err);
/* Whether that commit is part of the branch. */
CHECKED bool forge_branch_contains(Forge *forge, const char *branch, const char *commit, bool *ret,
                                   Error *err);
/* A bare repository that holds at least that commit, for reading (archive, diff, file of a commit):
 * local: the repository itself; others: what was fetched from them. Borrowed until forge_free. */
CHECKED bool forge_git(Forge *forge, const char *commit, Git *ret, Error *err);

/* ---- pull requests ---- */

typedef enum PullState { PULL_OPEN, PULL_MERGED, PULL_CLOSED, PULL_STATE_COUNT_ } PullState;
const char *pull_state_text(PullState state); /* "open", "merged", "closed" */

typedef struct PullRequest {
  int64_t number;
  PullState state;
  char head_branch[GIT_NAME_SIZE]; /* "feature/inventory-split" */
  char base_branch[GIT_NAME_SIZE]; /* a tier */
  char
      head[GIT_OID_SIZE]; /* the live commit; of a merged or closed one, its last; "": it is gone */
  char base[GIT_OID_SIZE];         /* the live commit of base_branch; "": there is no such branch */
  char merge_commit[GIT_OID_SIZE]; /* of a merged one; "" */
  char branch_id[ID_SIZE];         /* the paired database branch, as far as the server knows; "" */
  char author[NAME_MAX_LENGTH + 1]; /* principal, or the forge's login where it knows no other */
  char url[FORGE_URL_SIZE];
  char title[FORGE_TITLE_SIZE];
  char *body;                                /* owned; never NULL */
  int64_t created_at, updated_at, merged_at; /* microseconds since 1970; 0: not so */
} PullRequest;
void pull_request_release(PullRequest *pull);
void pull_requests_free(PullRequest *list, size_t count);

typedef struct PullWish {
  const char *head_branch;
  const char *base_branch; /* NULL: where changes of its kind go */
  const char *title;
  const char *body;      /* may be NULL */
  const char *branch_id; /* the paired database branch; NULL: by the git branch */
} PullWish;

/* Opens the pull request of a head branch, or updates the open one there is: title, body and base.
 * The commits must be there. Whether the caller may is asked here: pushing to that branch, and a
 * base that its kind goes to by policy; another one is FORBIDDEN. */
CHECKED bool forge_pull_open(Forge *forge, const PullWish *wish, PullRequest *ret, Error *err);
/* PULL_NOT_FOUND. */
CHECKED bool forge_pull_read(Forge *forge, int64_t number, PullRequest *ret, Error *err);
/* The newest first, at most FORGE_LIST_LIMIT; only_open: those alone. *ret: pull_requests_free. */
CHECKED bool forge_pull_list(Forge *forge, bool only_open, PullRequest **ret, size_t *ret_count,
                             Error *err);
/* Closes one without a merge; one that isn't open stays as it is. */
CHECKED bool forge_pull_close(Forge *forge, int64_t number, Error *err);

/* ---- reviews ---- */

typedef enum ReviewVerdict {
  REVIEW_APPROVED,
  REVIEW_CHANGES, /* changes are asked for */
  REVIEW_COMMENT,
  REVIEW_DISMISSED, /* a verdict that was taken back: it says nothing any more */
  REVIEW_VERDICT_COUNT_,
} ReviewVerdict;
const char *review_verdict_text(ReviewVerdict verdict); /* "approved", "changes-requested", ... */

typedef struct Review {
  char reviewer[NAME_MAX_LENGTH + 1]; /* principal */
  char on_behalf_of[NAME_MAX_LENGTH + 1];
  ReviewVerdict verdict;
  char head[GIT_OID_SIZE];         /* that was looked at */
  char base_branch[GIT_NAME_SIZE]; /* to which it went then; "": not known */
  int64_t created_at;
  char *body; /* owned; never NULL */
} Review;
void reviews_free(Review *list, size_t count);

/* Adds one by the caller for the live head: `expected_head` (NULL: whatever it is) must be it, else
 * MERGE_STALE. An approval asks for promote.approve, which authors of the change don't have where
 * the policy says so; the rest for the right to see the branch. */
CHECKED bool forge_review_add(Forge *forge, int64_t number, ReviewVerdict verdict,
                              const char *expected_head, const char *body, Error *err);
/* All of them, oldest first, each verdict as it was given. */
CHECKED bool forge_review_list(Forge *forge, int64_t number, Review **ret, size_t *ret_count,
                               Error *err);
/* What counts for exactly this state of the pull request. Of each reviewer the last verdict that
 * isn't a comment: an approval where it was given for the live head and base branch, once per
 * person (an agent's is that of whom it acts for); a wish for changes until the same reviewer
 * approves. The right to give either is asked again, so that authors and those who lost it don't
 * count. */
typedef struct ReviewCount {
  json_t *approved_by; /* names, owned */
  json_t *changes_by;  /* names of those who ask for changes, owned */
} ReviewCount;
CHECKED bool forge_review_count(Forge *forge, const PullRequest *pull, ReviewCount *ret,
                                Error *err);
void review_count_release(ReviewCount *count);

/* ---- comments and statuses ---- */

typedef struct Comment {
  int64_t id;
  char author[NAME_MAX_LENGTH + 1];
  char marker[65];
  int64_t created_at, updated_at;
  char *body; /* owned; never NULL */
} Comment;
void comments_free(Comment *list, size_t count);

CHECKED bool forge_comment_add(Forge *forge, int64_t number, const char *body, Error *err);
/* The one comment that has that marker (1 to 64 of [a-z0-9-]; "ci"): made, updated in place, or,
 * with a body of NULL, removed. The same text again changes nothing. */
CHECKED bool forge_comment_set(Forge *forge, int64_t number, const char *marker, const char *body,
                               Error *err);
CHECKED bool forge_comment_list(Forge *forge, int64_t number, Comment **ret, size_t *ret_count,
                                Error *err);

typedef enum StatusState {
  STATUS_PENDING,
  STATUS_SUCCESS,
  STATUS_FAILURE,
  STATUS_ERROR,
  STATUS_STATE_COUNT_,
} StatusState;
const char *status_state_text(StatusState state); /* "pending", "success", "failure", "error" */

typedef struct CommitStatus {
  char name[FORGE_CHECK_SIZE]; /* "ci", "schema-diff" */
  StatusState state;
  char url[FORGE_URL_SIZE]; /* may be "" */
  char description[FORGE_TITLE_SIZE];
  int64_t updated_at;
} CommitStatus;

/* For people to look at: gates rely on the catalog's own record of runs, not on these. The caller
 * has been asked for ci.report. One per commit and name; a later one replaces it. */
CHECKED bool forge_status_set(Forge *forge, const char *commit, const CommitStatus *status,
                              Error *err);
CHECKED bool forge_status_list(Forge *forge, const char *commit, CommitStatus **ret,
                               size_t *ret_count, Error *err); /* mem_free */

/* ---- merging ---- */

/* Merges, once: expected_head and expected_base are what the gates looked at; when either is
 * somewhere else by now nothing happens (MERGE_STALE). One that was merged already with that head
 * is done: the same commit is returned, so that whoever was killed after it may ask again. Whoever
 * merges tells workflow_base_moved of the base's new head once its own change is on record.
 * MERGE_CONFLICT. ret: the merge commit, the base branch's new head. */
CHECKED bool forge_merge(Forge *forge, int64_t number, const char *expected_head,
                         const char *expected_base, const char *message, char ret[GIT_OID_SIZE],
                         Error *err);
/* What merging would give, without moving anything: for CI of the result, and for the queue. */
CHECKED bool forge_merge_try(Forge *forge, const char *base, const char *head,
                             char ret[GIT_OID_SIZE], Error *err);
/* A promotion: moves a tier's git branch to what another one's was found at, by fast-forward where
 * it can, else by a merge. The same guards. */
CHECKED bool forge_promote(Forge *forge, const char *from_commit, const char *to_branch,
                           const char *expected_to, const char *message, char ret[GIT_OID_SIZE],
                           Error *err);
