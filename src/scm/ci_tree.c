/* The tree that is tested: the merge, with the target's own idea of what a test is. */
#include "scm/ci_tree.h"

#include "core/io.h"
#include "core/str.h"

#include <string.h>

enum { NOTES_LIMIT = 50 };

/* ---- what is a test ---- */

static bool is_one_of(const char *word, size_t length, const char *const *words) {
  for (; *words != NULL; words++)
    if (strlen(*words) == length && strncmp(*words, word, length) == 0)
      return true;
  return false;
}

static bool has_test_name(const char *name) {
  static const char *const endings[] = {"_test.", ".test.", "_spec.", ".spec.", NULL};
  if (str_starts(name, "test_"))
    return true;
  const char *dot = strrchr(name, '.');
  for (size_t at = 0; dot != NULL && endings[at] != NULL; at++) {
    size_t length = strlen(endings[at]);
    if ((size_t)(dot - name) + 1 >= length && strncmp(dot + 1 - length, endings[at], length) == 0)
      return true;
  }
  return false;
}

bool ci_tree_is_test(const char *path) {
  static const char *const folders[] = {"test", "tests", "spec", "specs", "__tests__", NULL};
  for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(path, '/')) {
    if (is_one_of(path, (size_t)(slash - path), folders))
      return true;
    path = slash + 1;
  }
  return has_test_name(path);
}

/* What the declared command runs first: a file of the repository by its path, or what make reads.
 */
static bool is_of_command(const char *command, const char *path) {
  static const char *const makefiles[] = {"GNUmakefile", "makefile", "Makefile", NULL};
  while (*command == ' ')
    command++;
  while (str_starts(command, "./"))
    command += 2;
  size_t length = strcspn(command, " \t;&|");
  if (length == 4 && strncmp(command, "make", 4) == 0)
    return is_one_of(path, strlen(path), makefiles);
  /* sh tests/run.sh: any word of the line that is the file's path */
  for (const char *at = strstr(command, path); at != NULL; at = strstr(at + 1, path)) {
    char after = at[strlen(path)];
    bool begins = at == command || at[-1] == ' ' || at[-1] == '/';
    if (begins && (after == '\0' || strchr(" \t;&|", after) != NULL))
      return true;
  }
  return false;
}

/* ---- the index ---- */

/* One of "MODE TYPE OID\tPATH". */
static const char *path_of(const char *entry) {
  const char *tab = strchr(entry, '\t');
  return tab != NULL ? tab + 1 : "";
}

typedef struct Overlay {
  Buffer input; /* of update-index --index-info */
  json_t *notes;
} Overlay;

static void overlay_release(Overlay *overlay) {
  buffer_release(&overlay->input);
  json_free(overlay->notes);
}

static void add_entry(Overlay *overlay, const char *entry, const char *why) {
  const char *path = path_of(entry);
  AUTO(str_free) char *note = str_format("%s %s", path, why);
  if (json_array_size(overlay->notes) < NOTES_LIMIT)
    (void)json_array_append_new(overlay->notes, json_line(note));
  buffer_add(&overlay->input, entry, strlen(entry) + 1);
}

static bool is_present(json_t *entries, const char *entry, bool *ret_same) {
  const char *other = json_string_value(json_object_get(entries, path_of(entry)));
  *ret_same = other != NULL && str_equal(other, entry);
  return other != NULL;
}

/* Of paths that aren't UTF-8 nothing is said, and nothing is put back. */
static json_t *by_path(char *const *entries, size_t count) {
  json_t *object = json_object();
  for (size_t at = 0; at < count; at++)
    (void)json_object_set_new(object, path_of(entries[at]), json_string(entries[at]));
  return object;
}

static void choose(const CiTree *tree, char *const *base, size_t count, json_t *result,
                   Overlay *ret) {
  for (size_t at = 0; at < count; at++) {
    bool same = false;
    bool present = is_present(result, base[at], &same);
    bool is_test = ci_tree_is_test(path_of(base[at]));
    if (!present && is_test)
      add_entry(ret, base[at], "is a test that was deleted: the target's was run");
    else if (!same && is_test && tree->keeps_tests)
      add_entry(ret, base[at], "is a test that was edited: the target's was run");
    else if (!same && is_of_command(tree->test, path_of(base[at])))
      add_entry(ret, base[at], "is what the declared test runs: the target's was run");
  }
}

static bool read_overlay(const Git *git, const CiTree *tree, Overlay *ret, Error *err) {
  char **base = NULL;
  char **result = NULL;
  size_t base_count = 0;
  size_t result_count = 0;
  bool ok = git_texts(git, GIT("ls-tree", "-r", "-z", "--full-tree", tree->base), &base,
                      &base_count, err) &&
            git_texts(git, GIT("ls-tree", "-r", "-z", "--full-tree", tree->result), &result,
                      &result_count, err);
  if (ok) {
    AUTO(json_free) json_t *present = by_path(result, result_count);
    choose(tree, base, base_count, present, ret);
  }
  mem_free(base);
  mem_free(result);
  return ok;
}

static bool add_overlay(const Git *git, const Overlay *overlay, Error *err) {
  GitResult result = {0};
  if (overlay->input.length == 0)
    return true;
  if (!git_run(git, GIT("update-index", "-z", "--index-info"), overlay->input.text,
               overlay->input.length, &result, err))
    return false;
  bool ok = result.status == 0 ||
            error_set(err, ERROR_TOOL_FAILED, "git update-index: %.300s", result.errors);
  git_result_release(&result);
  return ok;
}

bool ci_tree_write(const Git *git, const CiTree *tree, json_t **ret_notes, Error *err) {
  AUTO(str_free) char *index = str_format("%s.index", tree->directory);
  AUTO(str_free) char *index_file = str_format("GIT_INDEX_FILE=%s", index);
  AUTO(str_free) char *work_tree = str_format("GIT_WORK_TREE=%s", tree->directory);
  const char *environment[] = {index_file, work_tree, NULL};
  AUTO_RELEASE(overlay_release) Overlay overlay = {.notes = json_array()};
  Git writing = *git;
  writing.environment = environment;
  if (!git_oid_check(tree->base) || !git_oid_check(tree->result))
    return error_set(err, ERROR_INTERNAL, "commits are named in full");
  bool ok =
      io_make_directories(tree->directory, 0700, err) && read_overlay(git, tree, &overlay, err) &&
      git_check(&writing, GIT("read-tree", tree->result), err) &&
      add_overlay(&writing, &overlay, err) &&
      git_check(&writing, GIT("-C", tree->directory, "checkout-index", "--all", "--force"), err);
  Error ignored = ERROR_INIT; /* a leftover index disturbs nobody */
  (void)!io_remove_file(index, &ignored);
  if (ok)
    *ret_notes = STEAL(overlay.notes);
  return ok;
}
