/* Bare repositories: made, merged in, moved; no work tree anywhere. */
#include "git/git.h"

#include "core/str.h"

#include <stdio.h>
#include <string.h>

/* Settings of the repository: what a push may hold is bounded here too, for whoever runs git in it
 * by hand. */
static const struct {
  const char *name, *value;
} settings[] = {
    {"receive.fsckObjects", "true"},
    {"receive.denyNonFastForwards", "false"},
    {"receive.denyDeletes", "true"},
    {"receive.advertisePushOptions", "false"},
    {"receive.autogc", "false"},
    {"transfer.hideRefs", "refs/bough"},
    {"transfer.advertiseSID", "false"},
    {"uploadpack.allowFilter", "true"},
    {"uploadpack.allowAnySHA1InWant", "false"},
    {"core.logAllRefUpdates", "always"},
    {"gc.auto", "0"},
};

bool git_init_bare(const char *path, const char *head_branch, Error *err) {
  const Git git = git_server(path);
  AUTO(str_free) char *head = str_format("refs/heads/%s", head_branch);
  if (!git_check(&git, GIT("init", "--bare", "--quiet", "--template=", path), err) ||
      !git_check(&git, GIT("symbolic-ref", "HEAD", head), err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(settings); at++)
    if (!git_check(&git, GIT("config", settings[at].name, settings[at].value), err))
      return false;
  return true;
}

/* ---- moving ---- */

static bool report_stale(const Git *git, const char *ref, const char *old, const char *said,
                         Error *err) {
  char now[GIT_OID_SIZE] = "";
  bool found = false;
  if (!git_commit_of(git, ref, now, &found, err))
    return false;
  if (str_equal(found ? now : NULL, old))
    return error_set(err, ERROR_TOOL_FAILED, "git update-ref: %s", said);
  return error_set(err, ERROR_MERGE_STALE, "%s is at %.12s by now, not at %.12s", ref,
                   found ? now : "nothing", old != NULL ? old : "nothing");
}

bool git_move_ref(const Git *git, const char *ref, const char *old, const char *new, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  const char *expected = old != NULL ? old : "";
  const char *const *arguments = new != NULL ? GIT("update-ref", "--no-deref", ref, new, expected)
                                             : GIT("update-ref", "--no-deref", "-d", ref, expected);
  if (!git_run(git, arguments, NULL, 0, &result, err))
    return false;
  return result.status == 0 || report_stale(git, ref, old, result.errors, err);
}

bool git_move_branch(const Git *git, const char *branch, const char *old, const char *new,
                     Error *err) {
  AUTO(str_free) char *ref = str_format("refs/heads/%s", branch);
  return git_branch_check(branch, err) && git_move_ref(git, ref, old, new, err);
}

/* ---- merging ---- */

/* What git separates a name from an address and a line by is no part of either. */
static char *person_part(const char *text) {
  Buffer part = {0};
  buffer_add_text(&part, "");
  for (; *text != '\0'; text++)
    if ((unsigned char)*text >= ' ' && strchr("<>", *text) == NULL)
      buffer_add(&part, text, 1);
  return buffer_steal(&part);
}

static bool report_conflict(const GitMerge *merge, const GitResult *result, Error *err) {
  Buffer files = {0};
  size_t count = 0;
  const char *end = result->output + result->length;
  const char *name = result->output + strlen(result->output) + 1; /* behind the tree */
  for (; name < end; name += strlen(name) + 1)
    if (name[0] != '\0' && count++ < 5)
      buffer_add_format(&files, "%s%.120s", count > 1 ? ", " : "", name);
  (void)error_set(err, ERROR_MERGE_CONFLICT, "%.12s and %.12s change the same: %s%s", merge->base,
                  merge->head, files.length > 0 ? files.text : "files", count > 5 ? ", ..." : "");
  buffer_release(&files);
  return error_hint(err, "merge the base into the branch, solve it there, and push again");
}

static bool report_strangers(const GitMerge *merge, Error *err) {
  (void)error_set(err, ERROR_MERGE_CONFLICT, "%.12s and %.12s have no commit in common",
                  merge->base, merge->head);
  return error_hint(err, "make the branch anew from its base, and push again");
}

static bool merge_trees(const Git *git, const GitMerge *merge, char ret[GIT_OID_SIZE], Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_run(git,
               GIT("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", merge->base,
                   merge->head),
               NULL, 0, &result, err))
    return false;
  if (result.status == 1)
    return report_conflict(merge, &result, err);
  if (result.status != 0 && strstr(result.errors, "unrelated histories") != NULL)
    return report_strangers(merge, err);
  if (result.status != 0 || !git_oid_check(result.output))
    return error_set(err, ERROR_TOOL_FAILED, "git merge-tree: %s", result.errors);
  (void)snprintf(ret, GIT_OID_SIZE, "%s", result.output);
  return true;
}

static bool commit_tree(const Git *git, const GitMerge *merge, const char *tree,
                        char ret[GIT_OID_SIZE], Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  AUTO(str_free) char *name = person_part(merge->author.name);
  AUTO(str_free) char *email = person_part(merge->author.email);
  long long seconds = (long long)(merge->at_us / 1000000);
  AUTO(str_free) char *author_name = str_format("GIT_AUTHOR_NAME=%s", name);
  AUTO(str_free) char *author_email = str_format("GIT_AUTHOR_EMAIL=%s", email);
  AUTO(str_free) char *author_date = str_format("GIT_AUTHOR_DATE=@%lld +0000", seconds);
  AUTO(str_free) char *committer_date = str_format("GIT_COMMITTER_DATE=@%lld +0000", seconds);
  const char *environment[] = {author_name,
                               author_email,
                               author_date,
                               committer_date,
                               "GIT_COMMITTER_NAME=Bough",
                               "GIT_COMMITTER_EMAIL=bough@localhost",
                               NULL};
  Git committing = *git;
  committing.environment = environment;
  if (!git_run(&committing, GIT("commit-tree", tree, "-p", merge->base, "-p", merge->head),
               merge->message, strlen(merge->message), &result, err))
    return false;
  result.output[strcspn(result.output, "\n")] = '\0';
  if (result.status != 0 || !git_oid_check(result.output))
    return error_set(err, ERROR_TOOL_FAILED, "git commit-tree: %s", result.errors);
  (void)snprintf(ret, GIT_OID_SIZE, "%s", result.output);
  return true;
}

bool git_merge(const Git *git, const GitMerge *merge, char ret[GIT_OID_SIZE], Error *err) {
  char tree[GIT_OID_SIZE];
  if (!git_oid_check(merge->base) || !git_oid_check(merge->head))
    return error_set(err, ERROR_INTERNAL, "commits are merged by their names in full");
  return merge_trees(git, merge, tree, err) && commit_tree(git, merge, tree, ret, err);
}
