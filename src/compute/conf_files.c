/* The files of a compute. What may be tuned stands in a postgresql.conf of our own, outside the
 * data directory; the cluster's own one isn't read. */
#include "compute/conf.h"

#include "compute/settings.h"
#include "core/io.h"
#include "core/name.h"
#include "core/str.h"
#include "pg/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { SETTINGS_LIMIT = 200 };

/* As postgresql.conf reads strings: quotes doubled, backslashes escaped. */
static void add_line(Buffer *text, const char *name, const char *value) {
  buffer_add_format(text, "%s = '", name);
  for (const char *c = value; *c != '\0'; c++) {
    if (*c == '\'' || *c == '\\')
      buffer_add(text, c, 1);
    buffer_add(text, c, 1);
  }
  buffer_add_text(text, "'\n");
}

static bool has_control_character(const char *text) {
  for (const char *c = text; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f)
      return true;
  return false;
}

/* "work_mem", "pgaudit.log". */
static bool is_setting_name(const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
  return name[0] != '\0' && strchr("0123456789.", name[0]) == NULL &&
         name[strspn(name, allowed)] == '\0' && strlen(name) <= NAME_MAX_LENGTH;
}

static bool check_setting(const char *name, const char *value, Error *err) {
  if (!is_setting_name(name) || value == NULL || has_control_character(value))
    return error_set(err, ERROR_USAGE, "\"%s\" is no setting with a text as its value", name);
  if (settings_have(settings_safe, name) || settings_have(settings_fixed, name))
    return error_set(err, ERROR_USAGE, "the setting \"%s\" is fixed", name);
  return true;
}

static bool add_given_settings(Buffer *text, const json_t *settings, Error *err) {
  const char *name = NULL;
  json_t *value = NULL;
  if (json_object_size(settings) > SETTINGS_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "more than %d settings", SETTINGS_LIMIT);
  json_object_foreach((json_t *)settings, name, value) {
    if (!check_setting(name, json_string_value(value), err))
      return false;
    add_line(text, name, json_string_value(value));
  }
  return true;
}

bool conf_settings_text(const ComputeSpec *spec, const Control *control, char **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "# Written by Bough whenever the compute starts.\n");
  for (size_t at = 0; at < settings_tuned.count; at++) {
    AUTO(str_free) char *value = setting_value(&settings_tuned.rows[at], spec, control);
    add_line(&text, settings_tuned.rows[at].name, value);
  }
  if (!add_given_settings(&text, spec->settings, err))
    return false;
  *ret = buffer_steal(&text);
  return true;
}

const char *conf_hba_text(void) {
  return "# Written by Bough whenever the compute starts.\n"
         "local all all peer map=bough\n";
}

/* In quotes a name is taken as it is, but for these: a slash at the start makes it a pattern. */
static bool is_plain_name(const char *name) {
  return name[0] != '\0' && name[0] != '/' && strpbrk(name, "\"\\") == NULL &&
         !has_control_character(name);
}

static bool add_mapping(Buffer *text, const char *account, const char *role, Error *err) {
  if (!is_plain_name(account))
    return error_set(err, ERROR_INVALID_NAME, "the account name \"%s\" can't be mapped to a role",
                     account);
  buffer_add_format(text, "bough \"%s\" \"%s\"\n", account, role);
  return true;
}

static bool may_log_in(const char *role) {
  return str_starts(role, ROLE_PREFIX "u_") || str_equal(role, PROMOTION_ROLE);
}

/* Only roles of principals and that of promotions: no list, wherever it comes from, makes anybody
 * the superuser. */
static bool add_logins(Buffer *text, const Home *home, const json_t *logins, Error *err) {
  size_t at = 0;
  const json_t *login = NULL;
  json_array_foreach(logins, at, login) {
    const char *role = json_is_string(login) ? json_string_value(login) : "";
    if (!may_log_in(role) || strlen(role) > NAME_MAX_LENGTH || !is_plain_name(role))
      return error_set(err, ERROR_INVALID_NAME, "\"%.80s\" is no role of a principal", role);
    if (!str_equal(role, home->login_role) && !add_mapping(text, home->control.name, role, err))
      return false;
  }
  return true;
}

bool conf_ident_text(const Home *home, const ComputeSpec *spec, char **ret, Error *err) {
  const struct {
    const char *account, *role;
  } mappings[] = {
      {home->control.name, PLATFORM_ROLE},
      {home->control.name, IMPORT_ROLE},
      {home->control.name, home->login_role},
      {home->owner_name, home->login_role},
      {"root", home->login_role},
  };
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "# Written by Bough whenever the compute starts.\n");
  for (size_t at = 0; at < ARRAY_LENGTH(mappings); at++)
    if (!add_mapping(&text, mappings[at].account, mappings[at].role, err))
      return false;
  if (!add_logins(&text, home, spec->logins, err))
    return false;
  *ret = buffer_steal(&text);
  return true;
}

/* Replaces the file as a whole, so that a server that reads it never sees half of it. Not made
 * durable: it is written anew at every start, and fsyncs would take as long as the start itself. */
static bool write_text(const char *directory, const char *name, const char *text, Error *err) {
  AUTO(str_free) char *path = path_join(directory, name);
  AUTO(str_free) char *temporary = str_format("%s.new", path);
  AUTO_RELEASE(fd_release)
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_set_errno(err, errno, "could not write \"%s\"", temporary);
  if (!io_write(fd, text, strlen(text), err))
    return error_prefix(err, "%s", temporary);
  if (rename(temporary, path) != 0)
    return error_set_errno(err, errno, "could not replace \"%s\"", path);
  return true;
}

bool conf_write(const Home *home, const ComputeSpec *spec, const Control *control, Error *err) {
  AUTO(str_free) char *settings = NULL;
  AUTO(str_free) char *ident = NULL;
  return conf_settings_text(spec, control, &settings, err) &&
         conf_ident_text(home, spec, &ident, err) &&
         write_text(spec->directory, CONF_SETTINGS, settings, err) &&
         write_text(spec->directory, CONF_HBA, conf_hba_text(), err) &&
         write_text(spec->directory, CONF_IDENT, ident, err);
}
