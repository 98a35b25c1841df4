/* A folder of migrations: files are separated by \x01, their names and texts by the first line end.
 * Whatever is understood comes back the same through JSON, and sections keep the lines of their
 * file. */
#include "core/str.h"
#include "fuzz.h"
#include "migration/migration.h"

#include <string.h>

static size_t lines_of(const char *text) {
  size_t count = 0;
  for (; *text != '\0'; text++)
    count += *text == '\n';
  return count;
}

static void add_file(MigrationFiles *files, const char *file) {
  const char *end = strchr(file, '\n');
  size_t length = end != NULL ? (size_t)(end - file) : strlen(file);
  const char *text = end != NULL ? end + 1 : "";
  AUTO(str_free) char *path = str_ndup(file, length);
  migration_files_add(files, path, text, strlen(text));
}

static void check(const MigrationSet *set) {
  MigrationSet back = {0};
  AUTO(json_free) json_t *object = migration_set_to_json(set);
  for (size_t at = 1; at < set->count; at++)
    if (!set->items[at].repeatable)
      HOLDS(migration_version_compare(set->layout, set->items[at - 1].version,
                                      set->items[at].version) < 0);
  for (size_t at = 0; at < set->count; at++)
    HOLDS(set->items[at].up != NULL);
  HOLDS(migration_set_from_json(object, &back, NULL));
  HOLDS(back.count == set->count && back.layout == set->layout);
  for (size_t at = 0; at < set->count; at++)
    HOLDS(str_equal(back.items[at].version, set->items[at].version) &&
          str_equal(back.items[at].down, set->items[at].down));
  migration_set_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO_RELEASE(migration_files_release) MigrationFiles files = {0};
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  if (length < 1 || length > 65536)
    return 0;
  AUTO(str_free) char *text = str_ndup((const char *)bytes + 1, length - 1);
  AUTO(json_free) json_t *utf8 = json_string(text);
  if (utf8 == NULL) /* files that aren't UTF-8 are refused when they are read */
    return 0;
  char *rest = text;
  for (char *file = strsep(&rest, "\x01"); file != NULL; file = strsep(&rest, "\x01"))
    add_file(&files, file);
  size_t choice = bytes[0] % (LAYOUT_COUNT_ + 1U);
  const char *layout =
      choice < LAYOUT_COUNT_ ? migration_layout_name((MigrationLayout)choice) : NULL;
  if (!migration_parse(&files, layout, &set, NULL))
    return 0;
  check(&set);
  if (files.count == 1 && set.count == 1 && set.items[0].down != NULL)
    HOLDS(lines_of(set.items[0].down) <= lines_of(files.files[0].text) + 1);
  return 0;
}
