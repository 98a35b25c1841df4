/* Under systemd: units from templates of share/bough/systemd, started and stopped by systemctl. */
#include "setup/setup.h"

#include "core/io.h"
#include "core/process.h"
#include "core/program.h"

#include <string.h>

enum { TEMPLATE_LIMIT = 16 * 1024, TOOL_TIMEOUT_MS = 120 * 1000 };

static const char unit_directory[] = "/etc/systemd/system";

static const char *const services[] = {"bough-agent.service", "bough-runner.service",
                                       "boughd.service"};

/* Other state directories, of tests for example, run beside it and are started directly. */
bool units_apply(const Setup *setup) {
  return setup->system_mode && str_equal(setup->root, "/var/lib/bough") &&
         io_is_directory("/run/systemd/system");
}

/* A value of a template; what systemd would read otherwise than as it stands is refused. */
typedef struct Value {
  const char *name;
  const char *text;
} Value;

static bool add_value(Buffer *unit, const Value *value, Error *err) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";
  if (value->text[strspn(value->text, plain)] != '\0')
    return error_set(err, ERROR_UNSUPPORTED, "a systemd unit can't hold \"%.200s\"", value->text);
  buffer_add_text(unit, value->text);
  return true;
}

/* Replaces each @NAME@. */
static bool fill_template(const char *template, const Value *values, size_t count, char **ret,
                          Error *err) {
  AUTO_RELEASE(buffer_release) Buffer unit = {0};
  for (const char *at = template; *at != '\0';) {
    size_t plain = strcspn(at, "@");
    buffer_add(&unit, at, plain);
    at += plain;
    if (*at == '\0')
      break;
    const Value *value = NULL;
    for (size_t row = 0; row < count && value == NULL; row++)
      if (str_starts(at, values[row].name))
        value = &values[row];
    if (value == NULL)
      return error_set(err, ERROR_INTERNAL, "a template holds \"%.20s\"", at);
    if (!add_value(&unit, value, err))
      return false;
    at += strlen(value->name);
  }
  *ret = buffer_steal(&unit);
  return true;
}

static bool install_unit(const char *directory, const char *name, const char *text, Error *err) {
  AUTO(str_free) char *path = path_join(directory, name);
  return io_write_file(path, text, strlen(text), 0644, err);
}

static bool install_service(const char *directory, const char *name, const Value *values,
                            size_t count, Error *err) {
  AUTO(str_free) char *file = str_format("systemd/%s.in", name);
  AUTO(str_free) char *path = NULL;
  AUTO(str_free) char *template = NULL;
  AUTO(str_free) char *text = NULL;
  return program_data_path(file, &path, err) &&
         io_read_file(path, TEMPLATE_LIMIT, &template, NULL, err) &&
         (fill_template(template, values, count, &text, err) || error_prefix(err, "%s", name)) &&
         install_unit(directory, name, text, err);
}

bool units_install(const Setup *setup, const char *directory, Error *err) {
  AUTO(str_free) char *agent = NULL;
  AUTO(str_free) char *runner = NULL;
  AUTO(str_free) char *boughd = NULL;
  AUTO(str_free) char *mount_name = NULL;
  AUTO(str_free) char *mount_text = NULL;
  if (!program_path("bough-agent", &agent, err) || !program_path("bough-runner", &runner, err) ||
      !program_path("boughd", &boughd, err) ||
      !setup_pool_unit(setup, &mount_name, &mount_text, err))
    return false;
  const Value values[] = {
      {"@HOME@", setup->root},
      {"@POOL@", json_string_or(json_object_get(setup->config, "pool"), "path", setup->root)},
      {"@AGENT@", agent},
      {"@RUNNER@", runner},
      {"@BOUGHD@", boughd},
      {"@CONTROL@", setup->control.name},
      {"@COMPUTE@", setup->compute.name},
      {"@COMMAND@", setup->command.name},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(services); at++)
    if (!install_service(directory, services[at], values, ARRAY_LENGTH(values), err))
      return false;
  return mount_name == NULL || install_unit(directory, mount_name, mount_text, err);
}

static bool systemctl(const char *const *argv, Error *err) {
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TOOL_TIMEOUT_MS;
  return process_check(argv, &options, err);
}

static bool enable_mount(const Setup *setup, Error *err) {
  AUTO(str_free) char *name = NULL;
  AUTO(str_free) char *text = NULL;
  if (!setup_pool_unit(setup, &name, &text, err))
    return false;
  const char *argv[] = {"systemctl", "--quiet", "enable", "--", name, NULL};
  return name == NULL || systemctl(argv, err);
}

bool units_start(const Setup *setup, Error *err) {
  static const char *const reload[] = {"systemctl", "daemon-reload", NULL};
  static const char *const enable[] = {
      "systemctl",      "--quiet", "enable", "--now", "bough-agent.service", "bough-runner.service",
      "boughd.service", NULL};
  setup_say(setup, "starting bough-agent, bough-runner and boughd by systemd");
  return units_install(setup, unit_directory, err) && systemctl(reload, err) &&
         enable_mount(setup, err) && systemctl(enable, err) && wait_for_agent(setup, err) &&
         wait_for_boughd(setup, err);
}

bool units_stop(Error *err) {
  static const char *const stop[] = {
      "systemctl", "stop", "boughd.service", "bough-runner.service", "bough-agent.service", NULL};
  return systemctl(stop, err);
}
