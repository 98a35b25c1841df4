/* config.json: read before, written after everything that it speaks of is there. */
#include "setup/setup.h"

#include "core/io.h"

#include <string.h>
#include <unistd.h>

enum { CONFIG_LIMIT = 64 * 1024, CONFIG_VERSION = 1 };

bool config_load(Setup *setup, Error *err) {
  AUTO(str_free) char *path = path_join(setup->root, "config.json");
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_exists(path)) {
    setup->config = json_object();
    return true;
  }
  if (!io_read_file(path, CONFIG_LIMIT, &text, &length, err) ||
      !json_parse(text, length, &setup->config, err))
    return error_prefix(err, "%s", path);
  const char *mode = json_string_or(setup->config, "mode", "");
  if (str_equal(mode, setup->system_mode ? "system" : "user"))
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "\"%s\" was set up by %s", setup->root,
                  setup->system_mode ? "an ordinary user" : "root");
  return error_hint(err, setup->system_mode ? "run this as that user" : "run this as root");
}

void config_set(Setup *setup, const char *key, json_t *value) {
  if (json_equal(json_object_get(setup->config, key), value)) {
    json_free(value);
    return;
  }
  (void)json_object_set_new(setup->config, key, value);
  setup->is_changed = true;
}

static json_t *describe_account(const Account *account) {
  return json_pack("{s:s, s:I, s:I}", "name", account->name, "uid", (json_int_t)account->uid, "gid",
                   (json_int_t)account->gid);
}

/* The rest of what is said of the proxy stays. */
static void set_proxy_port(Setup *setup) {
  json_t *proxy = json_deep_copy(json_object_get(setup->config, "proxy"));
  if (!json_is_object(proxy)) {
    json_free(proxy);
    proxy = json_object();
  }
  (void)json_object_set_new(proxy, "port", json_integer(setup->options.port));
  config_set(setup, "proxy", proxy);
}

void config_describe(Setup *setup) {
  config_set(setup, "version", json_integer(CONFIG_VERSION));
  config_set(setup, "mode", json_string(setup->system_mode ? "system" : "user"));
  config_set(setup, "control", describe_account(&setup->control));
  config_set(setup, "compute", describe_account(&setup->compute));
  config_set(setup, "command", describe_account(&setup->command));
  if (json_object_get(setup->config, "owner") == NULL) /* the first one, for good */
    config_set(
        setup, "owner",
        json_pack("{s:I, s:s}", "uid", (json_int_t)setup->owner_uid, "name", setup->owner_name));
  if (setup->options.port > 0)
    set_proxy_port(setup);
  if (setup->options.http_port >= 0)
    config_set(setup, "tcp",
               setup->options.http_port > 0 ? json_pack("{s:i}", "port", setup->options.http_port)
                                            : json_null());
}

bool config_save(Setup *setup, Error *err) {
  if (!setup->is_changed)
    return true;
  AUTO(str_free) char *path = path_join(setup->root, "config.json");
  AUTO(str_free) char *text = json_dumps(setup->config, JSON_INDENT(2) | JSON_SORT_KEYS);
  if (text == NULL)
    return error_set(err, ERROR_INTERNAL, "the settings can't be written as JSON");
  AUTO(str_free) char *line = str_format("%s\n", text);
  if (!io_write_file(path, line, strlen(line), 0644, err))
    return false;
  setup->is_changed = false;
  return true;
}
