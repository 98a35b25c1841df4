/* The arguments of a compute. What must hold is given as an argument: that beats postgresql.conf
 * and ALTER SYSTEM. */
#include "compute/conf.h"

#include "compute/settings.h"
#include "core/io.h"
#include "core/str.h"

#include <string.h>

/* An argument vector that grows. */
typedef struct Arguments {
  char **items; /* NULL-terminated */
  size_t count;
} Arguments;

static void add_argument(Arguments *arguments, char *item) {
  arguments->items = mem_resize(arguments->items, arguments->count + 2, sizeof(char *));
  arguments->items[arguments->count++] = item;
  arguments->items[arguments->count] = NULL;
}

static void add_settings(Arguments *arguments, SettingTable table, const ComputeSpec *spec,
                         const Control *control) {
  for (size_t at = 0; at < table.count; at++) {
    AUTO(str_free) char *value = setting_value(&table.rows[at], spec, control);
    add_argument(arguments, str_dup("-c"));
    add_argument(arguments, str_format("%s=%s", table.rows[at].name, value));
  }
}

void conf_arguments_free(char **arguments) {
  for (size_t at = 0; arguments != NULL && arguments[at] != NULL; at++)
    str_free(arguments[at]);
  mem_free(arguments);
}

/* Names of libraries only, never paths: "pgaudit, pg_stat_statements". */
static bool check_preload(const char *preload, Error *err) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-, ";
  if (preload == NULL || preload[strspn(preload, allowed)] == '\0')
    return true;
  return error_set(err, ERROR_USAGE, "\"%s\" is no list of library names", preload);
}

bool conf_arguments(const Home *home, const ComputeSpec *spec, const Control *control, char ***ret,
                    Error *err) {
  if (!check_preload(spec->preload, err) || !check_preload(spec->audit, err))
    return false;
  Arguments arguments = {0};
  add_argument(&arguments, path_join(home->postgres_bin, "postgres"));
  add_argument(&arguments, str_dup("-D"));
  add_argument(&arguments, str_dup(spec->data));
  add_settings(&arguments, settings_fixed, spec, control);
  add_settings(&arguments, settings_safe, spec, control);
  if (settings_audited(spec)) /* the last one of a name holds */
    add_settings(&arguments, settings_audit, spec, control);
  *ret = arguments.items;
  return true;
}

char **conf_single_arguments(const Home *home, const ComputeSpec *spec, const Control *control,
                             const char *database, const char *prefix) {
  ComputeSpec lone = {.data = spec->data, .size = size_class_find("small")};
  Arguments arguments = {0};
  add_argument(&arguments, path_join(home->postgres_bin, "postgres"));
  add_argument(&arguments, str_dup("--single"));
  add_argument(&arguments, str_dup("-j"));
  add_argument(&arguments, str_dup("-D"));
  add_argument(&arguments, str_dup(spec->data));
  add_settings(&arguments, settings_single, &lone, control);
  add_settings(&arguments, settings_safe, &lone, control);
  add_argument(&arguments, str_dup("-c"));
  add_argument(&arguments, str_format("log_line_prefix=%s", prefix));
  add_argument(&arguments, str_dup(database));
  return arguments.items;
}
