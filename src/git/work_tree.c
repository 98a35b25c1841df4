/* The work tree that the caller of the command line stands in. */
#include "git/git.h"

#include "core/str.h"

#include <string.h>

bool git_top(const Git *git, char **ret, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_run(git, GIT("rev-parse", "--show-toplevel"), NULL, 0, &result, err))
    return false;
  if (result.status != 0) {
    (void)error_set(err, ERROR_NOTHING_TO_DO, "this is no git work tree: %s", result.errors);
    return error_hint(err, "go into the repository, or make one: `git init`");
  }
  *ret = str_ndup(result.output, strcspn(result.output, "\n"));
  return true;
}

bool git_current_branch(const Git *git, char **ret, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  static const char heads[] = "refs/heads/";
  if (!git_run(git, GIT("symbolic-ref", "--quiet", "HEAD"), NULL, 0, &result, err))
    return false;
  if (result.status > 1)
    return error_set(err, ERROR_TOOL_FAILED, "git symbolic-ref: %s", result.errors);
  bool stands = result.status == 0 && str_starts(result.output, heads);
  const char *name = result.output + (stands ? sizeof heads - 1 : 0);
  *ret = stands ? str_ndup(name, strcspn(name, "\n")) : NULL;
  return true;
}

bool git_is_clean(const Git *git, const char *but, bool *ret, char **ret_first, Error *err) {
  char **entries = NULL;
  size_t count = 0;
  if (!git_texts(git, GIT("status", "--porcelain=v1", "-z", "--untracked-files=normal"), &entries,
                 &count, err))
    return false;
  AUTO(str_free) char *excepted = str_format("?? %s", but != NULL ? but : "");
  const char *first = NULL; /* "XY PATH" */
  for (size_t at = 0; at < count && first == NULL; at++)
    if (but == NULL || !str_equal(entries[at], excepted))
      first = entries[at];
  *ret = first == NULL;
  if (ret_first != NULL)
    *ret_first = first != NULL && strlen(first) > 3 ? str_dup(first + 3) : NULL;
  mem_free(entries);
  return true;
}

bool git_is_tracked(const Git *git, const char *path, bool *ret, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_run(git, GIT("ls-files", "-z", "--", path), NULL, 0, &result, err))
    return false;
  *ret = result.status == 0 && result.length > 0;
  return true;
}
