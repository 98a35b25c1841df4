/* What must be here, and readable there, before a source is copied. */
#include "branch/source.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "pg/platform.h"

#include <string.h>

enum { TOOL_MS = 10 * 1000 };

static bool is_copied(const json_t *database) {
  return json_bool_or(database, "is_open", false) && !json_bool_or(database, "is_template", false);
}

/* One line of pg_config's output, owned. */
static bool ask_pg_config(const Home *home, const char *what, char **ret, Error *err) {
  AUTO(str_free) char *path = path_join(home->postgres_bin, "pg_config");
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TOOL_MS;
  if (!process_run((const char *const[]){path, what, NULL}, &options, &result, err))
    return false;
  *ret = str_ndup(result.output, strcspn(result.output, "\n"));
  return true;
}

static bool set_extension_missing(const char *what, const char *name, Error *err) {
  AUTO(str_free) char *package = str_dup(name);
  for (char *c = package; *c != '\0'; c++)
    *c = *c == '_' ? '-' : *c;
  (void)error_set(err, ERROR_EXTENSION_MISSING, "%s \"%.100s\" is not installed here", what, name);
  return error_hint(err,
                    "its package may be postgresql-%d-%.100s (`apt-cache search postgresql-%d`)",
                    SOURCE_MAJOR, package, SOURCE_MAJOR);
}

static bool check_libraries(const json_t *database, const char *directory, Error *err) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(json_object_get(database, "libraries"), at, item) {
    const char *library = json_string_value(item);
    const char *name = str_starts(library, "$libdir/") ? library + strlen("$libdir/") : library;
    bool is_absolute = name[0] == '/';
    AUTO(str_free)
    char *path = str_format("%s%s%s%s", is_absolute ? "" : directory, is_absolute ? "" : "/", name,
                            str_ends(name, ".so") ? "" : ".so");
    if (!io_exists(path))
      return set_extension_missing("library", name, err);
  }
  return true;
}

static bool check_extensions(const json_t *database, const char *directory, Error *err) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(json_object_get(database, "extensions"), at, item) {
    const char *name = json_string_or(item, "name", "");
    AUTO(str_free) char *path = str_format("%s/extension/%s.control", directory, name);
    if (strchr(name, '/') != NULL || !io_exists(path))
      return set_extension_missing("extension", name, err);
  }
  return true;
}

static bool check_readable(const json_t *database, Error *err) {
  const json_t *unreadable = json_object_get(database, "unreadable");
  if (!json_bool_or(database, "may_connect", false))
    (void)error_set(err, ERROR_SOURCE_UNSUPPORTED, "the role can't enter it");
  else if (json_array_size(unreadable) > 0)
    (void)error_set(err, ERROR_SOURCE_UNSUPPORTED, "the role may not read \"%.200s\"",
                    json_string_value(json_array_get(unreadable, 0)));
  else
    return true;
  return error_hint(err, "use a role that may read everything (pg_read_all_data)");
}

/* Roles of our prefix would be taken for Bough's own, unless that is what they are. */
static bool check_names(const Source *source, SourceMethod method, Error *err) {
  bool is_ours = method == SOURCE_BASEBACKUP &&
                 str_equal(json_string_or(source->facts, "bootstrap", ""), PLATFORM_ROLE);
  size_t at = 0;
  const json_t *role = NULL;
  json_array_foreach(json_object_get(source->facts, "roles"), at, role) {
    const char *name = json_string_or(role, "name", "");
    if (is_ours || !str_starts(name, ROLE_PREFIX))
      continue;
    (void)error_set(err, ERROR_SOURCE_UNSUPPORTED, "the source has a role \"%.80s\"", name);
    return error_hint(err, "names that begin with %s are reserved: rename it there", ROLE_PREFIX);
  }
  return true;
}

bool source_check(const Home *home, const Source *source, SourceMethod method, Error *err) {
  AUTO(str_free) char *libraries = NULL;
  AUTO(str_free) char *share = NULL;
  if (!check_names(source, method, err) || !ask_pg_config(home, "--pkglibdir", &libraries, err) ||
      !ask_pg_config(home, "--sharedir", &share, err))
    return false;
  size_t at = 0;
  const json_t *database = NULL;
  json_array_foreach(json_object_get(source->facts, "databases"), at, database) {
    bool ok = method == SOURCE_BASEBACKUP
                  ? check_libraries(database, libraries, err)
                  : !is_copied(database) ||
                        (check_readable(database, err) && check_extensions(database, share, err));
    if (!ok)
      return error_prefix(err, "database \"%s\" of the source",
                          json_string_or(database, "name", ""));
  }
  return true;
}
