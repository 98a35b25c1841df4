/* Takes "options" apart, keeps what is for Bough, and writes the rest anew. */
#include "wire/options.h"

#include "core/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { SETTING_NAME_LIMIT = 128 };

/* Settings that take effect at a session's start only, and what is no setting at all. */
static const struct {
  const char *name;
  const char *why;
} refused[] = {
    {"replication", "replication connections are not possible through Bough"},
    {"ignore_system_indexes", "it is for repairing a server by hand"},
    {"post_auth_delay", "it is for debugging a server by hand"},
    {"local_preload_libraries", "libraries are loaded by the platform"},
    {"session_preload_libraries", "libraries are loaded by the platform"},
};

void options_release(Options *options) {
  str_free(options->endpoint);
  str_free(options->rest);
  *options = (Options){0};
}

/* The server reads - as _ in names. */
static bool same_name(const char *given, const char *name) {
  while (*given != '\0' && (*given == '-' ? '_' : tolower((unsigned char)*given)) == *name) {
    given++;
    name++;
  }
  return *given == *name;
}

static bool is_setting_name(const char *name) {
  if (!isalpha((unsigned char)name[0]) && name[0] != '_')
    return false;
  size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_-$.");
  return name[length] == '\0' && length <= SETTING_NAME_LIMIT;
}

bool option_check_name(const char *name, Error *err) {
  if (!is_setting_name(name))
    return error_set(err, ERROR_USAGE, "invalid name of a setting \"%.128s\"", name);
  for (size_t at = 0; at < ARRAY_LENGTH(refused); at++)
    if (same_name(name, refused[at].name))
      return error_set(err, ERROR_UNSUPPORTED, "\"%s\" can't be set here: %s", name,
                       refused[at].why);
  return true;
}

/* The next word, owned, or NULL at the end. */
static char *next_word(const char **at) {
  while (isspace((unsigned char)**at))
    (*at)++;
  if (**at == '\0')
    return NULL;
  Buffer word = {0};
  buffer_add(&word, "", 0);
  for (; **at != '\0' && !isspace((unsigned char)**at); (*at)++) {
    if (**at == '\\' && *++(*at) == '\0')
      break;
    buffer_add(&word, *at, 1);
  }
  return buffer_steal(&word);
}

static void add_setting(Buffer *out, const char *setting) {
  buffer_add_text(out, out->length > 0 ? " -c " : "-c ");
  for (const char *c = setting; *c != '\0'; c++) {
    if (isspace((unsigned char)*c) || *c == '\\')
      buffer_add_text(out, "\\");
    buffer_add(out, c, 1);
  }
}

static bool take_endpoint(Options *options, const char *endpoint, Error *err) {
  if (options->endpoint != NULL && !str_equal(options->endpoint, endpoint))
    return error_set(err, ERROR_USAGE, "two endpoints are named: \"%.80s\" and \"%.80s\"",
                     options->endpoint, endpoint);
  if (options->endpoint == NULL)
    options->endpoint = str_dup(endpoint);
  return true;
}

static bool take_setting(Options *options, Buffer *rest, const char *setting, Error *err) {
  const char *equals = strchr(setting, '=');
  if (equals == NULL || equals == setting)
    return error_set(err, ERROR_USAGE, "options: \"%.128s\" is not name=value", setting);
  AUTO(str_free) char *name = str_ndup(setting, (size_t)(equals - setting));
  if (str_equal(name, "endpoint"))
    return take_endpoint(options, equals + 1, err);
  if (!option_check_name(name, err))
    return error_prefix(err, "options");
  add_setting(rest, setting);
  return true;
}

static bool take_word(Options *options, Buffer *rest, const char *word, const char **at,
                      Error *err) {
  if (str_starts(word, "endpoint="))
    return take_endpoint(options, word + strlen("endpoint="), err);
  if (str_starts(word, "--"))
    return take_setting(options, rest, word + 2, err);
  if (!str_starts(word, "-c")) {
    (void)error_set(err, ERROR_UNSUPPORTED, "options: \"%.128s\" is not possible here", word);
    return error_hint(err, "give settings as -c name=value");
  }
  if (word[2] != '\0')
    return take_setting(options, rest, word + 2, err);
  AUTO(str_free) char *setting = next_word(at);
  if (setting == NULL)
    return error_set(err, ERROR_USAGE, "options: nothing follows -c");
  return take_setting(options, rest, setting, err);
}

bool options_read(const char *text, Options *ret, Error *err) {
  AUTO_RELEASE(options_release) Options options = {0};
  AUTO_RELEASE(buffer_release) Buffer rest = {0};
  for (const char *at = text;;) {
    AUTO(str_free) char *word = next_word(&at);
    if (word == NULL)
      break;
    if (!take_word(&options, &rest, word, &at, err))
      return false;
  }
  ret->endpoint = STEAL(options.endpoint);
  ret->rest = rest.length > 0 ? buffer_steal(&rest) : NULL;
  return true;
}
