/* Reads config.json and knows where things lie. */
#include "core/home.h"

#include "core/io.h"
#include "core/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  CONFIG_LIMIT = 64 * 1024,
  SOCKET_PATH_LIMIT = 107, /* sun_path less its \0 */
  LONGEST_BELOW_RUN = 35,  /* "/ep-abcdefghijkl/.s.PGSQL.5432.lock" */
};

/* A relative directory is meant from here; ignoring it would mean the machine's own installation.
 */
static char *absolute(const char *path) {
  AUTO(str_free) char *here = path[0] != '/' ? getcwd(NULL, 0) : NULL;
  return here != NULL ? path_join(here, path) : str_dup(path);
}

char *home_default_root(void) {
  const char *given = getenv("BOUGH_HOME");
  if (given != NULL && given[0] != '\0') {
    char *root = absolute(given);
    for (size_t length = strlen(root); length > 1 && root[length - 1] == '/'; length--)
      root[length - 1] = '\0';
    return root;
  }
  if (geteuid() == 0)
    return str_dup("/var/lib/bough");
  const char *data = getenv("XDG_DATA_HOME");
  if (data != NULL && data[0] == '/')
    return path_join(data, "bough");
  const char *user_home = getenv("HOME");
  return str_format("%s/.local/share/bough", user_home != NULL ? user_home : "");
}

char *home_run_directory(const char *root, uid_t uid) {
  if (strlen(root) + strlen("/run") + LONGEST_BELOW_RUN <= SOCKET_PATH_LIMIT)
    return path_join(root, "run");
  uint64_t hash = 14695981039346656037U; /* FNV-1a */
  for (const char *c = root; *c != '\0'; c++)
    hash = (hash ^ (unsigned char)*c) * 1099511628211U;
  return str_format("/tmp/bough-%u-%012llx", uid, (unsigned long long)(hash & 0xffffffffffffU));
}

char *home_path(const Home *home, const char *format, ...) {
  Buffer path = {0};
  buffer_add_format(&path, "%s/", home->root);
  va_list args;
  va_start(args, format);
  char *rest = NULL;
  int length = vasprintf(&rest, format, args);
  va_end(args);
  if (length >= 0)
    buffer_add_text(&path, rest);
  str_free(rest);
  return buffer_steal(&path);
}

/* The last one means "none" to the kernel. */
static bool read_id(const json_t *object, const char *key, uint32_t *ret, Error *err) {
  int64_t id = 0;
  if (!json_get_integer(object, key, &id, err))
    return false;
  if (id < 0 || id >= UINT32_MAX)
    return error_set(err, ERROR_USAGE, "\"%s\" is no user or group id", key);
  *ret = (uint32_t)id;
  return true;
}

static bool read_account(const json_t *config, const char *key, Account *ret, Error *err) {
  json_t *object = NULL;
  const char *name = NULL;
  if (!json_get_object(config, key, &object, err) || !json_get_string(object, "name", &name, err) ||
      !read_id(object, "uid", &ret->uid, err) || !read_id(object, "gid", &ret->gid, err))
    return false;
  (void)snprintf(ret->name, sizeof ret->name, "%s", name);
  return true;
}

static void set_login_role(Home *home) {
  (void)snprintf(home->login_role, sizeof home->login_role, "bough_u_%.48s", home->owner_name);
  for (char *c = home->login_role; *c != '\0'; c++)
    if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9'))
      *c = '_';
}

static char *dup_or_null(const char *text) {
  return text != NULL ? str_dup(text) : NULL;
}

static bool read_config(Home *home, Error *err) {
  const json_t *config = home->config;
  json_t *owner = NULL;
  const char *bin = NULL;
  const char *name = NULL;
  if (!read_account(config, "control", &home->control, err) ||
      !read_account(config, "compute", &home->compute, err) ||
      !read_account(config, "command", &home->command, err) ||
      !json_get_object(config, "owner", &owner, err) ||
      !read_id(owner, "uid", &home->owner_uid, err) ||
      !json_get_string(owner, "name", &name, err) ||
      !json_get_string(config, "postgres_bin", &bin, err))
    return false;
  home->system_mode = str_equal(json_string_or(config, "mode", "user"), "system");
  (void)snprintf(home->owner_name, sizeof home->owner_name, "%s", name);
  set_login_role(home);
  home->postgres_bin = str_dup(bin);
  const json_t *pool = json_object_get(config, "pool");
  home->pool_driver = dup_or_null(json_string_or(pool, "driver", NULL));
  home->pool_path = dup_or_null(json_string_or(pool, "path", NULL));
  return true;
}

bool home_open(const char *root, Home **ret, Error *err) {
  AUTO(home_free) Home *home = mem_new(1, sizeof *home);
  home->root = str_dup(root);
  AUTO(str_free) char *path = path_join(root, "config.json");
  if (!io_exists(path)) {
    (void)error_set(err, ERROR_NOTHING_TO_DO, "there is no Bough in \"%s\" yet", root);
    return error_hint(err, "run `bough up`, or set BOUGH_HOME");
  }
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_read_file(path, CONFIG_LIMIT, &text, &length, err))
    return false;
  if (!json_parse(text, length, &home->config, err) || !read_config(home, err))
    return error_prefix(err, "%s", path);
  home->run = home_run_directory(root, home->control.uid);
  *ret = STEAL(home);
  return true;
}

void home_free(Home *home) {
  if (home == NULL)
    return;
  str_free(home->root);
  str_free(home->run);
  str_free(home->postgres_bin);
  str_free(home->pool_driver);
  str_free(home->pool_path);
  json_free(home->config);
  mem_free(home);
}
