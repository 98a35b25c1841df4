/* Looks at commits, their files, and how they follow each other. */
#include "git/git.h"

#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool git_commit_of(const Git *git, const char *revision, char ret[GIT_OID_SIZE], bool *ret_found,
                   Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  AUTO(str_free) char *wanted = str_format("%s^{commit}", revision);
  if (!git_run(git, GIT("rev-parse", "--verify", "--quiet", "--end-of-options", wanted), NULL, 0,
               &result, err))
    return false;
  char *line = result.output;
  line[strcspn(line, "\n")] = '\0';
  *ret_found = result.status == 0 && git_oid_check(line);
  if (*ret_found)
    (void)snprintf(ret, GIT_OID_SIZE, "%s", line);
  return true;
}

bool git_branch_head(const Git *git, const char *branch, char ret[GIT_OID_SIZE], bool *ret_found,
                     Error *err) {
  AUTO(str_free) char *ref = str_format("refs/heads/%s", branch);
  return git_commit_of(git, ref, ret, ret_found, err);
}

bool git_count_ahead(const Git *git, const char *base, const char *tip, int64_t *ret, Error *err) {
  AUTO(str_free) char *range = str_format("%s..%s", base, tip);
  AUTO(str_free) char *text = NULL;
  if (!git_line(git, GIT("rev-list", "--count", "--end-of-options", range, "--"), &text, err))
    return false;
  *ret = strtoll(text, NULL, 10);
  return true;
}

bool git_is_ancestor(const Git *git, const char *old, const char *tip, bool *ret, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_oid_check(old) || !git_oid_check(tip))
    return error_set(err, ERROR_INTERNAL, "commits are compared by their names in full");
  if (!git_run(git, GIT("merge-base", "--is-ancestor", old, tip), NULL, 0, &result, err))
    return false;
  if (result.status > 1)
    return error_set(err, ERROR_TOOL_FAILED, "git merge-base: %s", result.errors);
  *ret = result.status == 0;
  return true;
}

/* ---- files ---- */

static bool check_path(const char *path, Error *err) {
  size_t length = strlen(path);
  if (length > 0 && length < 4096 && path[0] != '/' && path[0] != '-' && path[length - 1] != '/')
    return true;
  return error_set(err, ERROR_USAGE, "\"%.200s\" is no path of a file in a repository", path);
}

/* "100644 blob OID    SIZE\tPATH": of a regular file. */
static bool read_entry(const char *entry, char oid[GIT_OID_SIZE], unsigned long long *ret_size) {
  char mode[8];
  return sscanf(entry, "%7s blob %64s %llu", mode, oid, ret_size) == 3 &&
         (str_equal(mode, "100644") || str_equal(mode, "100755")) && git_oid_check(oid);
}

static bool find_blob(const Git *git, const char *commit, const char *path, char oid[GIT_OID_SIZE],
                      unsigned long long *ret_size, bool *ret_found, Error *err) {
  char **entries = NULL;
  size_t count = 0;
  if (!git_texts(git, GIT("ls-tree", "-z", "-l", "--full-tree", commit, "--", path), &entries,
                 &count, err))
    return false;
  *ret_found = count == 1 && read_entry(entries[0], oid, ret_size);
  mem_free(entries);
  return true;
}

bool git_read_file(const Git *git, const char *commit, const char *path, size_t limit, char **ret,
                   size_t *ret_length, bool *ret_found, Error *err) {
  char oid[GIT_OID_SIZE] = "";
  unsigned long long size = 0;
  bool found = false;
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_oid_check(commit))
    return error_set(err, ERROR_INTERNAL, "files are read of commits by their names in full");
  if (!check_path(path, err) || !find_blob(git, commit, path, oid, &size, &found, err))
    return false;
  if (found && size > limit)
    return error_set(err, ERROR_TOO_LARGE, "\"%s\" has more than %zu bytes", path, limit);
  if (found && (!git_run(git, GIT("cat-file", "blob", oid), NULL, 0, &result, err) ||
                result.status != 0 || result.length != size))
    return error_set(err, ERROR_TOOL_FAILED, "could not read \"%s\": %s", path,
                     result.errors != NULL ? result.errors : "git failed");
  *ret_found = found;
  if (found) {
    *ret = STEAL(result.output);
    *ret_length = result.length;
  }
  return true;
}

bool git_list_files(const Git *git, const char *commit, const char *folder, char ***ret,
                    size_t *ret_count, Error *err) {
  AUTO(str_free) char *below = str_format("%s/", folder);
  if (!git_oid_check(commit))
    return error_set(err, ERROR_INTERNAL, "files are read of commits by their names in full");
  if (folder[0] == '\0')
    return git_texts(git, GIT("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit), ret,
                     ret_count, err);
  return check_path(folder, err) &&
         git_texts(git,
                   GIT("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", below),
                   ret, ret_count, err);
}

bool git_changed_files(const Git *git, const char *from, const char *to, char ***ret,
                       size_t *ret_count, Error *err) {
  if (!git_oid_check(from) || !git_oid_check(to))
    return error_set(err, ERROR_INTERNAL, "commits are compared by their names in full");
  return git_texts(git, GIT("diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to, "--"),
                   ret, ret_count, err);
}

/* With an index of its own beside the directory, so that the repository's isn't touched. */
bool git_export(const Git *git, const char *commit, const char *directory, Error *err) {
  AUTO(str_free) char *index = str_format("%s.index", directory);
  AUTO(str_free) char *index_file = str_format("GIT_INDEX_FILE=%s", index);
  AUTO(str_free) char *work_tree = str_format("GIT_WORK_TREE=%s", directory);
  const char *environment[] = {index_file, work_tree, NULL};
  Git exporting = *git;
  exporting.environment = environment;
  if (!git_oid_check(commit))
    return error_set(err, ERROR_INTERNAL, "a commit is exported by its name in full");
  bool ok = git_check(&exporting, GIT("read-tree", commit), err) &&
            git_check(&exporting, GIT("-C", directory, "checkout-index", "--all", "--force"), err);
  Error ignored = ERROR_INIT; /* a leftover index disturbs nobody */
  (void)!io_remove_file(index, &ignored);
  return ok;
}
