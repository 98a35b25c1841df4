/* The forge that is built in: pull requests are rows, branches are refs of a bare repository. */
#include "scm/forge_driver.h"

#include "catalog/forge.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "scm/forge_local.h"
#include "scm/repository.h"

#include <stdio.h>
#include <string.h>

static Catalog *catalog_of(const Forge *forge) {
  return forge->context->catalog;
}

/* forge->state is the repository's path. */
static Git git_of(const Forge *forge) {
  return git_server(forge->state);
}

static bool local_open(Forge *forge, Error *err) {
  char *path = NULL;
  if (!repository_ensure(forge->context, forge->project, &path, err))
    return false;
  forge->state = path;
  forge->clone_url = str_format("bough://%s", forge->project->name);
  return true;
}

static void local_close(Forge *forge) {
  str_free(forge->state);
}

/* ---- branches ---- */

static bool local_branch_head(Forge *forge, const char *branch, char ret[GIT_OID_SIZE],
                              bool *ret_found, Error *err) {
  const Git git = git_of(forge);
  return git_branch_head(&git, branch, ret, ret_found, err);
}

static bool local_branch_delete(Forge *forge, const char *branch, const char *expected,
                                Error *err) {
  const Git git = git_of(forge);
  char head[GIT_OID_SIZE];
  bool found = false;
  if (!git_branch_head(&git, branch, head, &found, err))
    return false;
  return !found || git_move_branch(&git, branch, expected != NULL ? expected : head, NULL, err);
}

static bool local_branch_contains(Forge *forge, const char *branch, const char *commit, bool *ret,
                                  Error *err) {
  const Git git = git_of(forge);
  char head[GIT_OID_SIZE];
  char there[GIT_OID_SIZE];
  bool found = false;
  bool known = false;
  if (!git_branch_head(&git, branch, head, &found, err) ||
      !git_commit_of(&git, commit, there, &known, err))
    return false;
  *ret = false;
  return !found || !known || git_is_ancestor(&git, commit, head, ret, err);
}

static bool local_git(Forge *forge, const char *commit, Git *ret, Error *err) {
  const Git git = git_of(forge);
  char there[GIT_OID_SIZE];
  bool found = false;
  if (!git_commit_of(&git, commit, there, &found, err))
    return false;
  *ret = git;
  return found ||
         error_set(err, ERROR_NOTHING_TO_DO, "commit %.12s isn't in the repository", commit);
}

/* ---- pull requests ---- */

static PullState state_of(const char *text) {
  for (PullState state = PULL_OPEN; state < PULL_STATE_COUNT_; state++)
    if (str_equal(pull_state_text(state), text))
      return state;
  return PULL_CLOSED;
}

/* Live commits of one that is open; what was noted of others. Takes the row's text. */
static bool describe(Forge *forge, PullRow *row, PullRequest *ret, Error *err) {
  const Git git = git_of(forge);
  PullRequest pull = {.number = row->number,
                      .state = state_of(row->state),
                      .created_at = row->created_at,
                      .updated_at = row->updated_at,
                      .merged_at = row->merged_at};
  bool found = false;
  if ((pull.state == PULL_OPEN &&
       !git_branch_head(&git, row->head_branch, pull.head, &found, err)) ||
      !git_branch_head(&git, row->base_branch, pull.base, &found, err))
    return false;
  if (pull.state != PULL_OPEN)
    (void)snprintf(pull.head, sizeof pull.head, "%s", row->head);
  if (pull.state == PULL_MERGED)
    (void)snprintf(pull.merge_commit, sizeof pull.merge_commit, "%s", row->merge_commit);
  (void)snprintf(pull.head_branch, sizeof pull.head_branch, "%s", row->head_branch);
  (void)snprintf(pull.base_branch, sizeof pull.base_branch, "%s", row->base_branch);
  (void)snprintf(pull.branch_id, sizeof pull.branch_id, "%s", row->branch);
  (void)snprintf(pull.author, sizeof pull.author, "%s", row->author);
  (void)snprintf(pull.title, sizeof pull.title, "%s", row->title);
  (void)snprintf(pull.url, sizeof pull.url, "%s/pull/%lld", forge->clone_url,
                 (long long)row->number);
  pull.body = STEAL(row->body);
  *ret = pull;
  return true;
}

/* Row by row; what stays of it is released. */
static bool describe_row(Forge *forge, PullRow *row, PullRequest *ret, Error *err) {
  bool ok = describe(forge, row, ret, err);
  pull_row_release(row);
  return ok;
}

static bool get_row(Forge *forge, int64_t number, PullRow *ret, Error *err) {
  bool found = false;
  if (!pull_row_get(catalog_of(forge), forge->project->id, number, ret, &found, err))
    return false;
  return found ||
         error_set(err, ERROR_PULL_NOT_FOUND, "there is no pull request %lld", (long long)number);
}

static bool local_pull_read(Forge *forge, int64_t number, PullRequest *ret, Error *err) {
  PullRow row = {0};
  return get_row(forge, number, &row, err) && describe_row(forge, &row, ret, err);
}

static bool local_pull_list(Forge *forge, bool only_open, PullRequest **ret, size_t *ret_count,
                            Error *err) {
  PullRow *rows = NULL;
  size_t count = 0;
  if (!pull_row_list(catalog_of(forge), forge->project->id, only_open, FORGE_LIST_LIMIT, &rows,
                     &count, err))
    return false;
  PullRequest *list = mem_new(count, sizeof *list);
  bool ok = true;
  for (size_t at = 0; at < count; at++) {
    ok = ok && describe(forge, &rows[at], &list[at], err);
    pull_row_release(&rows[at]);
  }
  mem_free(rows);
  if (!ok) {
    pull_requests_free(list, count);
    return false;
  }
  *ret = list;
  *ret_count = count;
  return true;
}

/* Both branches must be there, and the head must bring something. */
static bool look_at_commits(Forge *forge, const PullWish *wish, PullRow *row, Error *err) {
  const Git git = git_of(forge);
  bool has_head = false;
  bool has_base = false;
  bool is_merged = false;
  if (!git_branch_head(&git, wish->head_branch, row->head, &has_head, err) ||
      !git_branch_head(&git, wish->base_branch, row->base, &has_base, err))
    return false;
  if (!has_head || !has_base) {
    (void)error_set(err, ERROR_NOTHING_TO_DO, "git branch \"%s\" was never pushed",
                    has_head ? wish->base_branch : wish->head_branch);
    return error_hint(err, "git push origin %s", has_head ? wish->base_branch : wish->head_branch);
  }
  if (!git_is_ancestor(&git, row->head, row->base, &is_merged, err))
    return false;
  return !is_merged || error_set(err, ERROR_NOTHING_TO_DO, "\"%s\" has nothing that \"%s\" lacks",
                                 wish->head_branch, wish->base_branch);
}

static void fill(const PullWish *wish, PullRow *row) {
  (void)snprintf(row->state, sizeof row->state, "%s", pull_state_text(PULL_OPEN));
  (void)snprintf(row->base_branch, sizeof row->base_branch, "%s", wish->base_branch);
  (void)snprintf(row->branch, sizeof row->branch, "%s", wish->branch_id);
  (void)snprintf(row->title, sizeof row->title, "%s", wish->title);
  str_free(row->body);
  row->body = str_dup(wish->body != NULL ? wish->body : "");
}

static bool insert(Forge *forge, const PullWish *wish, PullRow *row, Error *err) {
  bool inserted = false;
  const PrincipalRow *caller = &forge->context->caller;
  (void)snprintf(row->project, sizeof row->project, "%s", forge->project->id);
  (void)snprintf(row->head_branch, sizeof row->head_branch, "%s", wish->head_branch);
  (void)snprintf(row->author, sizeof row->author, "%s", caller->name);
  (void)snprintf(row->author_for, sizeof row->author_for, "%s", caller->on_behalf_of);
  fill(wish, row);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(catalog_of(forge), &guard, err) ||
      !pull_row_insert(catalog_of(forge), row, &inserted, err))
    return false;
  if (!inserted)
    return error_set(err, ERROR_MERGE_STALE, "somebody else opened one for \"%s\" just now",
                     wish->head_branch);
  return catalog_commit(&guard, err);
}

static bool update(Forge *forge, const PullWish *wish, PullRow *row, Error *err) {
  bool found = false;
  fill(wish, row);
  if (!pull_row_update(catalog_of(forge), row, &found, err))
    return false;
  return found || error_set(err, ERROR_MERGE_STALE, "pull request %lld was ended just now",
                            (long long)row->number);
}

static bool local_pull_open(Forge *forge, const PullWish *wish, PullRequest *ret, Error *err) {
  PullRow row = {0};
  bool found = false;
  bool ok =
      pull_row_find(catalog_of(forge), forge->project->id, wish->head_branch, &row, &found, err) &&
      look_at_commits(forge, wish, &row, err) &&
      (found ? update(forge, wish, &row, err) : insert(forge, wish, &row, err));
  int64_t number = row.number;
  pull_row_release(&row);
  return ok && local_pull_read(forge, number, ret, err);
}

static bool local_pull_close(Forge *forge, int64_t number, Error *err) {
  const Git git = git_of(forge);
  PullRow row = {0};
  char head[GIT_OID_SIZE];
  bool found = false;
  if (!get_row(forge, number, &row, err))
    return false;
  bool ok = git_branch_head(&git, row.head_branch, head, &found, err);
  if (ok && found)
    (void)snprintf(row.head, sizeof row.head, "%s", head);
  (void)snprintf(row.state, sizeof row.state, "%s", pull_state_text(PULL_CLOSED));
  ok = ok && pull_row_update(catalog_of(forge), &row, &found, err);
  pull_row_release(&row);
  return ok;
}

/* ---- merging ---- */

static bool make_merge(Forge *forge, const char *base, const char *head, const char *message,
                       int64_t at_us, char ret[GIT_OID_SIZE], Error *err) {
  const Git git = git_of(forge);
  const PrincipalRow *caller = &forge->context->caller;
  AUTO(str_free) char *address = str_format("%s@bough", caller->name);
  const GitMerge merge = {.base = base,
                          .head = head,
                          .message = message,
                          .author = {caller->name, address},
                          .at_us = at_us};
  return git_merge(&git, &merge, ret, err);
}

static bool finish_merge(Forge *forge, PullRow *row, Error *err) {
  bool found = false;
  (void)snprintf(row->state, sizeof row->state, "%s", pull_state_text(PULL_MERGED));
  row->merged_at = clock_wall_us();
  return failpoint_reach(FAILPOINT_FORGE_MERGE_MOVED, err) &&
         pull_row_update(catalog_of(forge), row, &found, err);
}

/* Noted before the branch moves: whoever comes after a crash finds which commit it was. */
static bool move_base(Forge *forge, const PullRequest *pull, PullRow *row, const char *message,
                      Error *err) {
  const Git git = git_of(forge);
  bool found = false;
  (void)snprintf(row->head, sizeof row->head, "%s", pull->head);
  (void)snprintf(row->base, sizeof row->base, "%s", pull->base);
  if (!make_merge(forge, pull->base, pull->head, message, clock_wall_us(), row->merge_commit,
                  err) ||
      !pull_row_update(catalog_of(forge), row, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_MERGE_STALE, "pull request %lld was ended just now",
                     (long long)pull->number);
  return failpoint_reach(FAILPOINT_FORGE_MERGE_PLANNED, err) &&
         git_move_branch(&git, pull->base_branch, pull->base, row->merge_commit, err);
}

/* That commit is in the base already, and was made of this head. */
static bool was_moved(Forge *forge, const PullRequest *pull, const PullRow *row, bool *ret,
                      Error *err) {
  *ret = false;
  if (row->merge_commit[0] == '\0' || !str_equal(row->head, pull->head))
    return true;
  return local_branch_contains(forge, pull->base_branch, row->merge_commit, ret, err);
}

static bool merge_row(Forge *forge, const PullRequest *pull, PullRow *row,
                      const char *expected_base, const char *message, Error *err) {
  bool moved = false;
  if (!was_moved(forge, pull, row, &moved, err))
    return false;
  if (!moved && !str_equal(pull->base, expected_base))
    return error_set(err, ERROR_MERGE_STALE, "\"%s\" is at %.12s by now, not at %.12s",
                     pull->base_branch, pull->base, expected_base);
  return (moved || move_base(forge, pull, row, message, err)) && finish_merge(forge, row, err);
}

static bool local_merge(Forge *forge, const PullRequest *pull, const char *expected_base,
                        const char *message, char ret[GIT_OID_SIZE], Error *err) {
  PullRow row = {0};
  bool ok = get_row(forge, pull->number, &row, err) &&
            merge_row(forge, pull, &row, expected_base, message, err);
  if (ok)
    (void)snprintf(ret, GIT_OID_SIZE, "%s", row.merge_commit);
  pull_row_release(&row);
  return ok;
}

static bool local_merge_try(Forge *forge, const char *base, const char *head,
                            char ret[GIT_OID_SIZE], Error *err) {
  return make_merge(forge, base, head, "What a merge would give", 0, ret, err);
}

/* Forward where nothing else has come to the tier; else both are kept. */
static bool next_of(Forge *forge, const char *from, const char *to, const char *message,
                    char ret[GIT_OID_SIZE], Error *err) {
  const Git git = git_of(forge);
  bool is_forward = false;
  if (!git_is_ancestor(&git, to, from, &is_forward, err))
    return false;
  if (!is_forward)
    return make_merge(forge, to, from, message, clock_wall_us(), ret, err);
  (void)snprintf(ret, GIT_OID_SIZE, "%s", from);
  return true;
}

static bool local_promote(Forge *forge, const char *from_commit, const char *to_branch,
                          const char *expected_to, const char *message, char ret[GIT_OID_SIZE],
                          Error *err) {
  const Git git = git_of(forge);
  char now[GIT_OID_SIZE];
  bool found = false;
  bool is_there = false;
  if (!git_branch_head(&git, to_branch, now, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_NOTHING_TO_DO, "there is no git branch \"%s\"", to_branch);
  if (!git_is_ancestor(&git, from_commit, now, &is_there, err))
    return false;
  if (is_there) {
    (void)snprintf(ret, GIT_OID_SIZE, "%s", now);
    return true;
  }
  return next_of(forge, from_commit, expected_to, message, ret, err) &&
         git_move_branch(&git, to_branch, expected_to, ret, err);
}

const ForgeDriver forge_local = {
    .kind = "local",
    .open = local_open,
    .close = local_close,
    .branch_head = local_branch_head,
    .branch_delete = local_branch_delete,
    .branch_contains = local_branch_contains,
    .git = local_git,
    .pull_open = local_pull_open,
    .pull_read = local_pull_read,
    .pull_list = local_pull_list,
    .pull_close = local_pull_close,
    .review_add = local_review_add,
    .review_list = local_review_list,
    .comment_add = local_comment_add,
    .comment_set = local_comment_set,
    .comment_list = local_comment_list,
    .status_set = local_status_set,
    .status_list = local_status_list,
    .merge = local_merge,
    .merge_try = local_merge_try,
    .promote = local_promote,
};
