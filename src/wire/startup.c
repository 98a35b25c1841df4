/* Reads and writes first packets. */
#include "wire/startup.h"

#include "wire/options.h"

#include <assert.h>
#include <string.h>

enum {
  CODE_SSL = 80877103,
  CODE_GSS = 80877104,
  HEADER_SIZE = 8, /* length and version */
  NAME_LIMIT = 255,
};

void startup_release(Startup *startup) {
  mem_free(startup->settings);
  mem_free(startup->extensions);
  mem_free(startup->memory);
  *startup = (Startup){0};
}

bool startup_size(const char *bytes, size_t length, size_t *ret, Error *err) {
  if (length < 4) {
    *ret = 0;
    return true;
  }
  uint32_t size = wire_u32(bytes);
  if (size < HEADER_SIZE || size > STARTUP_LIMIT)
    return error_set(err, ERROR_PROTOCOL, "invalid length of startup packet");
  *ret = size;
  return true;
}

/* How many bytes a UTF-8 sequence that starts with this byte has; 0: none starts so. */
static size_t utf8_length(unsigned char first) {
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first < 0xe0)
    return 2;
  if (first >= 0xe0 && first < 0xf0)
    return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Second bytes that would make a form too long, a surrogate or a number past the last one. */
static bool utf8_second_fits(unsigned char first, unsigned char second) {
  switch (first) {
  case 0xe0:
    return second >= 0xa0;
  case 0xed:
    return second < 0xa0;
  case 0xf0:
    return second >= 0x90;
  case 0xf4:
    return second < 0x90;
  default:
    return true;
  }
}

static bool is_utf8(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at != '\0') {
    size_t length = utf8_length(*at);
    if (length == 0 || (length > 1 && !utf8_second_fits(at[0], at[1])))
      return false;
    for (size_t next = 1; next < length; next++)
      if ((at[next] & 0xc0) != 0x80)
        return false;
    at += length;
  }
  return true;
}

static bool take_known(Startup *startup, const StartupParameter *given, bool *ret_known) {
  const struct {
    const char *name;
    const char **place;
  } known[] = {
      {"user", &startup->user},
      {"database", &startup->database},
      {"options", &startup->options},
      {"application_name", &startup->application_name},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(known); at++) {
    if (!str_equal(given->name, known[at].name))
      continue;
    if (*known[at].place != NULL)
      return false;
    *known[at].place = given->value;
    *ret_known = true;
  }
  return true;
}

static bool is_twice(const Startup *startup, const char *name) {
  for (size_t at = 0; at < startup->setting_count; at++)
    if (str_equal(startup->settings[at].name, name))
      return true;
  return false;
}

/* What stock clients send for a session that is no replication connection. */
static bool is_off(const char *value) {
  static const char *const words[] = {"false", "off", "no", "0"};
  for (size_t at = 0; at < ARRAY_LENGTH(words); at++)
    if (str_equal(value, words[at]))
      return true;
  return false;
}

static bool take_parameter(Startup *startup, const StartupParameter *given, Error *err) {
  bool known = false;
  if (!take_known(startup, given, &known) || is_twice(startup, given->name))
    return error_set(err, ERROR_PROTOCOL, "the parameter \"%.80s\" is given twice", given->name);
  if (known)
    return true;
  if (startup->setting_count + startup->extension_count >= STARTUP_PARAMETERS_LIMIT)
    return error_set(err, ERROR_PROTOCOL, "too many parameters");
  if (str_starts(given->name, "_pq_.")) {
    startup->extensions[startup->extension_count++] = given->name;
    return true;
  }
  if (str_equal(given->name, "replication") && is_off(given->value))
    return true;
  if (!option_check_name(given->name, err))
    return false;
  startup->settings[startup->setting_count++] = *given;
  return true;
}

/* Pairs of strings, and one \0 at the very end of the packet. */
static bool take_parameters(Startup *startup, const char *at, const char *end, Error *err) {
  while (at < end && *at != '\0') {
    const char *name = at;
    const char *name_end = memchr(name, '\0', (size_t)(end - name));
    const char *value = name_end != NULL ? name_end + 1 : end;
    const char *value_end = value < end ? memchr(value, '\0', (size_t)(end - value)) : NULL;
    if (value_end == NULL)
      return error_set(err, ERROR_PROTOCOL, "invalid startup packet: a parameter is cut off");
    if (!take_parameter(startup, &(StartupParameter){name, value}, err))
      return false;
    at = value_end + 1;
  }
  return at + 1 == end ||
         error_set(err, ERROR_PROTOCOL, "invalid startup packet: expected terminator as last byte");
}

/* Stock servers do the same to it: it is shown in logs and views. */
static void clean_application_name(Startup *startup) {
  char *text = startup->memory + (startup->application_name - startup->memory);
  for (; *text != '\0'; text++)
    if (*text < ' ' || *text > '~')
      *text = '?';
}

static bool check_texts(Startup *startup, Error *err) {
  if (startup->user == NULL || startup->user[0] == '\0')
    return error_set(err, ERROR_UNAUTHENTICATED, "no user name is given in the startup packet");
  if (startup->database == NULL || startup->database[0] == '\0')
    startup->database = startup->user;
  if (startup->application_name != NULL)
    clean_application_name(startup);
  else
    startup->application_name = "";
  if (startup->options == NULL)
    startup->options = "";
  const char *const texts[] = {startup->user, startup->database, startup->options};
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++)
    if (!is_utf8(texts[at]))
      return error_set(err, ERROR_PROTOCOL, "the startup packet is not valid UTF-8");
  if (strlen(startup->user) > NAME_LIMIT || strlen(startup->database) > NAME_LIMIT)
    return error_set(err, ERROR_PROTOCOL, "a user or database name is too long");
  return true;
}

static bool read_session(const char *bytes, size_t length, unsigned minor, Startup *ret,
                         Error *err) {
  AUTO_RELEASE(startup_release)
  Startup startup = {.kind = STARTUP_SESSION,
                     .minor = minor,
                     .settings = mem_new(STARTUP_PARAMETERS_LIMIT, sizeof *startup.settings),
                     .extensions = mem_new(STARTUP_PARAMETERS_LIMIT, sizeof *startup.extensions),
                     .memory = mem_new(length + 1, 1)};
  memcpy(startup.memory, bytes, length);
  if (!take_parameters(&startup, startup.memory + HEADER_SIZE, startup.memory + length, err) ||
      !check_texts(&startup, err))
    return false;
  *ret = startup;
  startup = (Startup){0};
  return true;
}

static bool read_cancel(const char *bytes, size_t length, Startup *ret, Error *err) {
  if (length != CANCEL_REQUEST_SIZE)
    return error_set(err, ERROR_PROTOCOL, "invalid length of cancel request");
  *ret = (Startup){.kind = STARTUP_CANCEL,
                   .cancel = {.pid = wire_u32(bytes + 8), .secret = wire_u32(bytes + 12)}};
  return true;
}

static bool read_wish(StartupKind kind, size_t length, Startup *ret, Error *err) {
  if (length != HEADER_SIZE)
    return error_set(err, ERROR_PROTOCOL, "invalid length of encryption request");
  *ret = (Startup){.kind = kind};
  return true;
}

bool startup_read(const char *bytes, size_t length, Startup *ret, Error *err) {
  assert(length >= HEADER_SIZE);
  uint32_t code = wire_u32(bytes + 4);
  switch (code) {
  case CODE_SSL:
    return read_wish(STARTUP_SSL, length, ret, err);
  case CODE_GSS:
    return read_wish(STARTUP_GSS, length, ret, err);
  case CANCEL_REQUEST_CODE:
    return read_cancel(bytes, length, ret, err);
  default:
    if (code >> 16 == 3)
      return read_session(bytes, length, code & 0xffff, ret, err);
    return error_set(err, ERROR_UNSUPPORTED, "protocol %u.%u is not spoken here, only 3.0",
                     code >> 16, code & 0xffff);
  }
}

static void add_pair(Buffer *out, const char *name, const char *value) {
  wire_add_string(out, name);
  wire_add_string(out, value);
}

void startup_add(Buffer *out, const Startup *startup, const char *user, const char *database,
                 const char *options) {
  size_t start = message_begin(out, '\0');
  wire_add_u32(out, 3 << 16);
  add_pair(out, "user", user);
  add_pair(out, "database", database);
  if (startup->application_name[0] != '\0')
    add_pair(out, "application_name", startup->application_name);
  if (options != NULL)
    add_pair(out, "options", options);
  for (size_t at = 0; at < startup->setting_count; at++)
    add_pair(out, startup->settings[at].name, startup->settings[at].value);
  buffer_add(out, "", 1);
  message_end(out, start);
}

void startup_add_negotiation(Buffer *out, const Startup *startup) {
  if (startup->minor == 0 && startup->extension_count == 0)
    return;
  size_t start = message_begin(out, 'v');
  wire_add_u32(out, 3 << 16); /* as stock servers say it: the newest version that is known here */
  wire_add_u32(out, (uint32_t)startup->extension_count);
  for (size_t at = 0; at < startup->extension_count; at++)
    wire_add_string(out, startup->extensions[at]);
  message_end(out, start);
}
