/* The tree that is tested: the merge, with the target's own idea of what a test is. */
#include "scm/ci_tree.h"

#include "core/io.h"
#include "core/str.h"
#include "scm/ci_line.h"

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

/* ---- whose file is taken ---- */

typedef struct Ruling {
  const char *edited; /* what is noted of one that the target has otherwise */
  const char *added;  /* of one that it lacks */
  bool keeps;         /* the target's is taken */
  bool drops;         /* what it lacks is left out */
} Ruling;

#define OF_TARGET "is what the declared test runs: the target's was run"

static const Ruling rulings[CI_ROLE_COUNT_] = {
    [CI_ROLE_RUN] = {OF_TARGET,
                     "is what the declared test runs, and the target has none: it was run",
                     .keeps = true},
    [CI_ROLE_RULES] = {OF_TARGET,
                       "would say what the declared test runs, and isn't the target's: left out",
                       .keeps = true, .drops = true},
    [CI_ROLE_GOAL] = {NULL, "would be a goal of make that is made already: left out",
                      .drops = true},
    [CI_ROLE_WRITES] = {"says how files are written: the target's was taken",
                        "would say how files are written, and isn't the target's: left out",
                        .keeps = true, .drops = true},
    [CI_ROLE_MIXED] = {"has a say in what the declared test runs, and was taken as changed",
                       "has a say in what the declared test runs, and was taken as added"},
};

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

static void add_note(Overlay *overlay, const char *entry, const char *why) {
  AUTO(str_free) char *note = str_format("%s %s", path_of(entry), why);
  if (json_array_size(overlay->notes) < NOTES_LIMIT)
    (void)json_array_append_new(overlay->notes, json_line(note));
}

static void take(Overlay *overlay, const char *entry, const char *why) {
  add_note(overlay, entry, why);
  buffer_add(&overlay->input, entry, strlen(entry) + 1);
}

static void leave_out(Overlay *overlay, const char *entry) {
  buffer_add_format(&overlay->input, "0 %040d\t%s", 0, path_of(entry));
  buffer_add(&overlay->input, "", 1);
}

static bool is_present(json_t *entries, const char *entry, bool *ret_same) {
  const char *other = json_string_value(json_object_get(entries, path_of(entry)));
  *ret_same = other != NULL && str_equal(other, entry);
  return other != NULL;
}

/* With their folders, which are null. Of paths that aren't UTF-8 nothing is said, and nothing is
 * put back. */
static json_t *by_path(char *const *entries, size_t count) {
  json_t *object = json_object();
  for (size_t at = 0; at < count; at++) {
    const char *path = path_of(entries[at]);
    AUTO(str_free) char *folder = str_dup(path);
    (void)json_object_set_new(object, path, json_string(entries[at]));
    for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
      *slash = '\0';
      if (json_object_get(object, folder) != NULL)
        break;
      (void)json_object_set_new(object, folder, json_null());
    }
  }
  return object;
}

static void choose_of_target(const CiTree *tree, const CiLine *line, const char *entry, bool same,
                             bool present, Overlay *ret) {
  const char *path = path_of(entry);
  bool is_test = ci_tree_is_test(path);
  if (!present && is_test) {
    take(ret, entry, "is a test that was deleted: the target's was run");
    return;
  }
  if (!same && is_test && tree->keeps_tests) {
    take(ret, entry, "is a test that was edited: the target's was run");
    return;
  }
  const Ruling *ruling = &rulings[same ? CI_ROLE_NONE : ci_line_role(line, path)];
  if (ruling->keeps)
    take(ret, entry, ruling->edited);
  else if (ruling->edited != NULL)
    add_note(ret, entry, ruling->edited);
}

static void choose_of_added(const CiLine *line, const char *entry, Overlay *ret) {
  const Ruling *ruling = &rulings[ci_line_role(line, path_of(entry))];
  if (ruling->added != NULL)
    add_note(ret, entry, ruling->added);
  if (ruling->drops)
    leave_out(ret, entry);
}

typedef struct Entries {
  char **list;
  size_t count;
  json_t *paths;
} Entries;

static void entries_release(Entries *entries) {
  mem_free(entries->list);
  json_free(entries->paths);
}

static bool entries_read(const Git *git, const char *commit, Entries *ret, Error *err) {
  if (!git_texts(git, GIT("ls-tree", "-r", "-z", "--full-tree", commit), &ret->list, &ret->count,
                 err))
    return false;
  ret->paths = by_path(ret->list, ret->count);
  return true;
}

static void choose(const CiTree *tree, const Entries *base, const Entries *result, Overlay *ret) {
  AUTO_RELEASE(ci_line_release) CiLine line = {0};
  bool same = false;
  ci_line_init(tree->test, base->paths, &line);
  for (size_t at = 0; at < base->count; at++) {
    bool present = is_present(result->paths, base->list[at], &same);
    choose_of_target(tree, &line, base->list[at], same, present, ret);
  }
  for (size_t at = 0; at < result->count; at++)
    if (!is_present(base->paths, result->list[at], &same))
      choose_of_added(&line, result->list[at], ret);
}

static bool read_overlay(const Git *git, const CiTree *tree, Overlay *ret, Error *err) {
  AUTO_RELEASE(entries_release) Entries base = {0};
  AUTO_RELEASE(entries_release) Entries result = {0};
  if (!entries_read(git, tree->base, &base, err) || !entries_read(git, tree->result, &result, err))
    return false;
  choose(tree, &base, &result, ret);
  return true;
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
