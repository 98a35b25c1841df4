/* Tests that a change edits or takes away, as a diff for those who review it: CI can't tell whether
 * a test was mended or muted. */
#include "core/json.h"
#include "core/str.h"
#include "scm/ci_course.h"
#include "scm/ci_tree.h"

#include <string.h>

enum { FILES_LIMIT = 20, DIFF_LIMIT = 16 * 1024, FENCE_LIMIT = 60, PREFIX = 8 };

static const char *const prefix[PREFIX] = {
    "diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", NULL};

/* ---- which ---- */

/* Moves tests to the front; how many there are. */
static size_t keep_tests(char **paths, size_t count) {
  size_t kept = 0;
  for (size_t at = 0; at < count; at++)
    if (ci_tree_is_test(paths[at]))
      paths[kept++] = paths[at];
  return kept;
}

static bool find(const Git *git, const CiRunRow *run, char ***ret, size_t *ret_count, Error *err) {
  char **paths = NULL;
  size_t count = 0;
  if (!git_texts(git,
                 GIT("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=MDT",
                     run->base, run->result, "--"),
                 &paths, &count, err))
    return false;
  *ret_count = keep_tests(paths, count);
  *ret = paths;
  return true;
}

/* ---- what was done to them ---- */

static bool read_diff(const Git *git, const CiRunRow *run, char *const *paths, size_t count,
                      GitResult *ret, Error *err) {
  const char *arguments[PREFIX + FILES_LIMIT + 3];
  size_t at = 0;
  for (; prefix[at] != NULL; at++)
    arguments[at] = prefix[at];
  arguments[at++] = run->base;
  arguments[at++] = run->result;
  arguments[at++] = "--";
  for (size_t path = 0; path < count && path < FILES_LIMIT; path++)
    arguments[at++] = paths[path];
  arguments[at] = NULL;
  if (!git_run(git, arguments, NULL, 0, ret, err))
    return false;
  return ret->status == 0 ||
         error_set(err, ERROR_TOOL_FAILED, "git diff-tree: %.300s", ret->errors);
}

static size_t longest_run(const char *text, char wanted) {
  size_t longest = 0;
  size_t length = 0;
  for (; *text != '\0'; text++) {
    length = *text == wanted ? length + 1 : 0;
    longest = length > longest ? length : longest;
  }
  return longest;
}

/* Between fences longer than any that a test brings along; what isn't text, or is too much of it,
 * is only said to be there. */
static void add_diff(Buffer *text, const GitResult *diff) {
  AUTO(json_free) json_t *value = json_stringn(diff->output, diff->length);
  size_t fence = longest_run(diff->output, '`') + 1;
  if (value == NULL || diff->length > DIFF_LIMIT || fence > FENCE_LIMIT ||
      strlen(diff->output) != diff->length) {
    buffer_add_text(text, "Their diff is too long for a comment, or isn't text.\n");
    return;
  }
  char marks[FENCE_LIMIT + 1] = "";
  (void)memset(marks, '`', fence < 3 ? 3 : fence);
  buffer_add_format(text, "%sdiff\n%s%s\n", marks, diff->output, marks);
}

bool ci_edited_tests(CiCourse *course, Buffer *ret, Error *err) {
  const CiRunRow *run = &course->run;
  AUTO_RELEASE(git_result_release) GitResult diff = {0};
  Git git = {0};
  char **paths = NULL;
  size_t count = 0;
  if (run->result[0] == '\0')
    return true;
  if (!forge_git(course->forge, run->result, &git, err) || !find(&git, run, &paths, &count, err))
    return false;
  bool ok = count == 0 || read_diff(&git, run, paths, count, &diff, err);
  mem_free(paths);
  if (!ok || count == 0)
    return ok;
  buffer_add_format(ret, "**Tests that this change edits or deletes: %zu%s**\n\n", count,
                    count > FILES_LIMIT ? " (the first ones:)" : "");
  add_diff(ret, &diff);
  return true;
}
