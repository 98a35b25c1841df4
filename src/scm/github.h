/* The forge github, as its files share it: forge_driver.h says what each of these does. */
#pragma once

#include "scm/forge_driver.h"
#include "scm/github_api.h"

typedef struct Github {
  GithubApi api;
  char *login;      /* whose token it is: found when asked for; "" where that can't be known */
  char *repository; /* the bare repository with what was fetched; NULL until it is needed */
} Github;

static inline Github *github_of(const Forge *forge) {
  return forge->state;
}

/* github.c: whether these settings lead to a repository that the server's token can read. */
CHECKED bool github_check_settings(Context *context, const json_t *settings, Error *err);

/* github_branch.c */
bool github_branch_head(Forge *forge, const char *branch, char ret[GIT_OID_SIZE], bool *ret_found,
                        Error *err);
bool github_branch_delete(Forge *forge, const char *branch, const char *expected, Error *err);
bool github_branch_contains(Forge *forge, const char *branch, const char *commit, bool *ret,
                            Error *err);
bool github_promote(Forge *forge, const char *from_commit, const char *to_branch,
                    const char *expected_to, const char *message, char ret[GIT_OID_SIZE],
                    Error *err);
/* MERGE_STALE unless the branch is at that commit now. */
CHECKED bool github_expect_head(Forge *forge, const char *branch, const char *expected, Error *err);

/* github_fetch.c */
bool github_git(Forge *forge, const char *commit, Git *ret, Error *err);
bool github_merge_try(Forge *forge, const char *base, const char *head, char ret[GIT_OID_SIZE],
                      Error *err);

/* github_pull.c */
bool github_pull_open(Forge *forge, const PullWish *wish, PullRequest *ret, Error *err);
bool github_pull_read(Forge *forge, int64_t number, PullRequest *ret, Error *err);
bool github_pull_list(Forge *forge, bool only_open, PullRequest **ret, size_t *ret_count,
                      Error *err);
bool github_pull_close(Forge *forge, int64_t number, Error *err);
bool github_merge(Forge *forge, const PullRequest *pull, const char *expected_base,
                  const char *message, char ret[GIT_OID_SIZE], Error *err);

/* github_talk.c */
bool github_review_add(Forge *forge, const PullRequest *pull, ReviewVerdict verdict,
                       const char *body, Error *err);
bool github_review_list(Forge *forge, int64_t number, Review **ret, size_t *ret_count, Error *err);
bool github_comment_add(Forge *forge, int64_t number, const char *body, Error *err);
bool github_comment_set(Forge *forge, int64_t number, const char *marker, const char *body,
                        Error *err);
bool github_comment_list(Forge *forge, int64_t number, Comment **ret, size_t *ret_count,
                         Error *err);
bool github_status_set(Forge *forge, const char *commit, const CommitStatus *status, Error *err);
bool github_status_list(Forge *forge, const char *commit, CommitStatus **ret, size_t *ret_count,
                        Error *err);
