/* Sets of migrations on their way from the command line to the server, who believes nothing. */
#include "core/str.h"
#include "migration/internal.h"

#include <string.h>

json_t *migration_set_to_json(const MigrationSet *set) {
  json_t *list = json_array();
  for (size_t at = 0; at < set->count; at++) {
    const Migration *one = &set->items[at];
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s?, s:b, s:b, s:b}",
                                                "version", one->version, "name", one->name, "file",
                                                one->file, "up", one->up, "down", one->down,
                                                "repeatable", one->repeatable, "up_alone",
                                                one->up_alone, "down_alone", one->down_alone));
  }
  return json_pack("{s:s, s:o}", "layout", migration_layout_name(set->layout), "migrations", list);
}

static bool check_version(MigrationLayout layout, const Migration *one, Error *err) {
  size_t length = strlen(one->version);
  bool form = layout == LAYOUT_STEM || strspn(one->version, "0123456789.") == length;
  if (form && length <= MIGRATION_NAME_LIMIT && strlen(one->name) <= MIGRATION_NAME_LIMIT &&
      (length > 0) == !one->repeatable && (one->name[0] != '\0' || length > 0))
    return true;
  return error_set(err, ERROR_USAGE, "\"%.60s\" is not a version of the layout \"%s\"",
                   one->version, migration_layout_name(layout));
}

static bool read_one(MigrationLayout layout, const json_t *object, Migration *one, Error *err) {
  const char *version = NULL;
  const char *name = NULL;
  const char *up = NULL;
  if (!json_get_string(object, "version", &version, err) ||
      !json_get_string(object, "name", &name, err) || !json_get_string(object, "up", &up, err))
    return false;
  const char *down = json_string_or(object, "down", NULL);
  *one = (Migration){.version = str_dup(version),
                     .name = str_dup(name),
                     .file = str_dup(json_string_or(object, "file", "")),
                     .up = str_dup(up),
                     .down = down != NULL ? str_dup(down) : NULL,
                     .repeatable = json_bool_or(object, "repeatable", false),
                     .up_alone = json_bool_or(object, "up_alone", false),
                     .down_alone = json_bool_or(object, "down_alone", false)};
  return check_version(layout, one, err);
}

static bool check_order(const MigrationSet *set, Error *err) {
  if (set->count < 2)
    return true;
  const Migration *left = &set->items[set->count - 2];
  const Migration *right = &set->items[set->count - 1];
  bool rises = left->repeatable == right->repeatable
                   ? (left->repeatable ? strcmp(left->name, right->name) < 0
                                       : migration_version_compare(set->layout, left->version,
                                                                   right->version) < 0)
                   : right->repeatable;
  return rises || error_set(err, ERROR_USAGE, "version \"%.60s\" is out of order or twice there",
                            right->version);
}

static bool read_all(const json_t *list, MigrationSet *set, Error *err) {
  size_t at = 0;
  const json_t *object = NULL;
  set->items = mem_new(json_array_size(list) + 1, sizeof *set->items);
  json_array_foreach(list, at, object) {
    if (!read_one(set->layout, object, &set->items[set->count++], err) || !check_order(set, err))
      return false;
  }
  return true;
}

bool migration_set_from_json(const json_t *object, MigrationSet *ret, Error *err) {
  const char *layout = NULL;
  MigrationSet set = {0};
  const json_t *list = json_object_get(object, "migrations");
  if (!json_get_string(object, "layout", &layout, err) ||
      !migration_layout_from_name(layout, &set.layout, err))
    return false;
  if (!json_is_array(list) || json_array_size(list) > MIGRATION_FILES_LIMIT)
    return error_set(err, ERROR_USAGE, "\"migrations\" must be a list of at most %d",
                     MIGRATION_FILES_LIMIT);
  if (!read_all(list, &set, err)) {
    migration_set_release(&set);
    return false;
  }
  *ret = set;
  return true;
}
