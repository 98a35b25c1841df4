/* From files to migrations: which layout they are in, which belong together, in which order. */
#include "core/str.h"
#include "migration/internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct LayoutInfo {
  const char *name;
  bool has_sections; /* both directions in one file, told by marks in its text */
  bool is_guessed;   /* may be found out by looking */
} LayoutInfo;

static const LayoutInfo layouts[LAYOUT_COUNT_] = {
    [LAYOUT_BOUGH] = {"bough", false, true},
    [LAYOUT_FLYWAY] = {"flyway", false, true},
    [LAYOUT_NUMBERED] = {"numbered", false, true},
    [LAYOUT_STEM] = {"stem", false, false},
    [LAYOUT_DIRECTORIES] = {"directories", false, true},
    [LAYOUT_DBMATE] = {"dbmate", true, true},
    [LAYOUT_GOOSE] = {"goose", true, true},
};

/* What has sections looks like Bough's own by its names, so that is asked last. */
static const MigrationLayout guesses[] = {LAYOUT_GOOSE,       LAYOUT_DBMATE,   LAYOUT_FLYWAY,
                                          LAYOUT_DIRECTORIES, LAYOUT_NUMBERED, LAYOUT_BOUGH};

const char *migration_layout_name(MigrationLayout layout) {
  return layouts[layout].name;
}

bool migration_layout_from_name(const char *name, MigrationLayout *ret, Error *err) {
  for (size_t at = 0; at < LAYOUT_COUNT_; at++)
    if (str_equal(layouts[at].name, name)) {
      *ret = (MigrationLayout)at;
      return true;
    }
  (void)error_set(err, ERROR_USAGE, "there is no layout \"%.60s\"", name);
  return error_hint(err, "bough, flyway, numbered, stem, directories, dbmate or goose");
}

/* ---- which layout ---- */

static bool fits(MigrationLayout layout, const MigrationFile *file) {
  FileName name;
  file_name_read(layout, file->path, &name);
  if (name.role == FILE_OTHER)
    return !str_ends(file->path, ".sql"); /* others may lie around */
  return name.role != FILE_BOTH || sections_are_there(layout, file->text);
}

/* How many files fit; *ret_first is the first one that doesn't. */
static size_t count_fitting(MigrationLayout layout, const MigrationFiles *files,
                            const char **ret_first) {
  size_t count = 0;
  *ret_first = NULL;
  for (size_t at = 0; at < files->count; at++) {
    if (fits(layout, &files->files[at]))
      count++;
    else if (*ret_first == NULL)
      *ret_first = files->files[at].path;
  }
  return count;
}

static bool guess(const MigrationFiles *files, MigrationLayout *ret, Error *err) {
  MigrationLayout best = LAYOUT_BOUGH;
  const char *best_first = NULL;
  size_t most = 0;
  for (size_t at = 0; at < ARRAY_LENGTH(guesses); at++) {
    const char *first = NULL;
    size_t count = count_fitting(guesses[at], files, &first);
    if (first == NULL) {
      *ret = guesses[at];
      return true;
    }
    if (best_first == NULL || count > most) {
      best = guesses[at];
      best_first = first;
      most = count;
    }
  }
  (void)error_set(err, ERROR_MIGRATION_INVALID,
                  "%.200s is no migration of the layout \"%s\", which fits best", best_first,
                  layouts[best].name);
  return error_hint(err, "take what is no migration out of the folder, or name the layout with "
                         "--layout");
}

/* ---- which files belong together ---- */

typedef struct Entry {
  const MigrationFile *file;
  FileName name;
} Entry;

static int compare_entries(const void *left, const void *right, void *context) {
  const Entry *a = left;
  const Entry *b = right;
  const MigrationLayout *layout = context;
  int order = (a->name.role == FILE_REPEATABLE) - (b->name.role == FILE_REPEATABLE);
  if (order == 0)
    order = a->name.role == FILE_REPEATABLE
                ? strcmp(a->name.name, b->name.name)
                : migration_version_compare(*layout, a->name.version, b->name.version);
  if (order == 0)
    order = (int)a->name.role - (int)b->name.role;
  return order != 0 ? order : strcmp(a->file->path, b->file->path);
}

static bool belongs(MigrationLayout layout, const Migration *migration, const FileName *name) {
  if (migration->repeatable || name->role == FILE_REPEATABLE)
    return migration->repeatable && name->role == FILE_REPEATABLE &&
           str_equal(migration->name, name->name);
  return migration_version_compare(layout, migration->version, name->version) == 0;
}

static bool collide(MigrationLayout layout, const Migration *migration, const Entry *entry,
                    Error *err) {
  (void)error_set(err, ERROR_MIGRATION_COLLISION, "%.150s and %.150s have the same version",
                  migration->file, entry->file->path);
  return error_hint(err, layout == LAYOUT_NUMBERED
                             ? "give one of them a new number; where the tool tells files apart by "
                               "their whole names: --layout stem"
                             : "give one of them a new version");
}

static bool begin_migration(MigrationLayout layout, const Entry *entry, Migration *ret,
                            Error *err) {
  *ret = (Migration){.version = str_dup(entry->name.version),
                     .name = str_dup(entry->name.name),
                     .file = str_dup(entry->file->path),
                     .repeatable = entry->name.role == FILE_REPEATABLE};
  if (layouts[layout].has_sections)
    return sections_read(layout, entry->file->path, entry->file->text, ret, err);
  ret->up = str_dup(entry->file->text);
  ret->up_alone = text_wants_no_transaction(ret->up);
  return true;
}

static void note(MigrationSet *set, const char *path, const char *what) {
  AUTO(str_free) char *text = str_format("%.200s %s and is left out", path, what);
  if (set->notes == NULL)
    set->notes = json_array();
  (void)json_array_append_new(set->notes, json_line(text));
}

static bool add_entry(MigrationSet *set, const Entry *entry, Error *err) {
  Migration *last = set->count > 0 ? &set->items[set->count - 1] : NULL;
  bool same = last != NULL && belongs(set->layout, last, &entry->name);
  switch (entry->name.role) {
  case FILE_DOWN:
    if (!same) {
      note(set, entry->file->path, "undoes a version that isn't there");
      return true;
    }
    if (last->down != NULL)
      return collide(set->layout, last, entry, err);
    last->down = str_dup(entry->file->text);
    last->down_alone = text_wants_no_transaction(last->down);
    return true;
  case FILE_SETTINGS:
    if (same && settings_want_no_transaction(entry->file->text))
      last->up_alone = last->down_alone = true;
    return true;
  default:
    if (same)
      return collide(set->layout, last, entry, err);
    return begin_migration(set->layout, entry, &set->items[set->count++], err);
  }
}

static Entry *read_entries(MigrationSet *set, const MigrationFiles *files, size_t *ret_count) {
  Entry *entries = mem_new(files->count + 1, sizeof *entries);
  size_t count = 0;
  for (size_t at = 0; at < files->count; at++) {
    Entry entry = {.file = &files->files[at]};
    file_name_read(set->layout, entry.file->path, &entry.name);
    if (entry.name.role != FILE_OTHER)
      entries[count++] = entry;
    else if (str_ends(entry.file->path, ".sql"))
      note(set, entry.file->path, "is none of the layout's files");
  }
  qsort_r(entries, count, sizeof *entries, compare_entries, &set->layout);
  *ret_count = count;
  return entries;
}

static bool build(const MigrationFiles *files, MigrationSet *set, Error *err) {
  size_t count = 0;
  Entry *entries = read_entries(set, files, &count);
  bool ok = true;
  set->items = mem_new(count + 1, sizeof *set->items);
  for (size_t at = 0; ok && at < count; at++)
    ok = add_entry(set, &entries[at], err);
  mem_free(entries);
  return ok;
}

bool migration_parse(const MigrationFiles *files, const char *layout, MigrationSet *ret,
                     Error *err) {
  MigrationSet set = {0};
  if (layout != NULL && !migration_layout_from_name(layout, &set.layout, err))
    return false;
  bool any = false;
  for (size_t at = 0; at < files->count; at++)
    any = any || str_ends(files->files[at].path, ".sql");
  if (!any)
    return error_set(err, ERROR_NOTHING_TO_DO, "the folder holds no migrations");
  if ((layout == NULL && !guess(files, &set.layout, err)) || !build(files, &set, err)) {
    migration_set_release(&set);
    return false;
  }
  *ret = set;
  return true;
}

static void migration_release(Migration *migration) {
  str_free(migration->version);
  str_free(migration->name);
  str_free(migration->file);
  str_free(migration->up);
  str_free(migration->down);
}

void migration_set_release(MigrationSet *set) {
  for (size_t at = 0; at < set->count; at++)
    migration_release(&set->items[at]);
  mem_free(set->items);
  json_free(set->notes);
  *set = (MigrationSet){0};
}
