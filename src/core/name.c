/* The rules for names and ids. */
#include "core/name.h"

#include "core/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ID_RANDOM_LENGTH = 12 };

static const char id_alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 base32 */

static bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

static bool is_name_character(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

bool name_check(const char *what, const char *name, Error *err) {
  size_t length = strlen(name);
  bool valid = length >= 1 && length <= NAME_MAX_LENGTH && is_letter(name[0]);
  for (size_t at = 0; valid && at < length; at++)
    valid = is_name_character(name[at]);
  if (valid)
    return true;
  (void)error_set(err, ERROR_INVALID_NAME, "invalid %s name \"%.80s\"", what, name);
  return error_hint(err, "use 1 to 63 of a-z, 0-9 and -, starting with a letter");
}

bool name_from_git(const char *git_name, char **ret, Error *err) {
  AUTO(str_free) char *name = str_dup(git_name);
  for (char *c = name; *c != '\0'; c++) {
    if (*c >= 'A' && *c <= 'Z')
      *c = (char)(*c - 'A' + 'a');
    else if (!is_name_character(*c))
      *c = '-';
  }
  if (!name_check("branch", name, err))
    return error_prefix(err, "git branch \"%.80s\"", git_name);
  *ret = STEAL(name);
  return true;
}

void id_new(const char *prefix, char ret[ID_SIZE]) {
  unsigned char random[ID_RANDOM_LENGTH];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    abort();
  char text[ID_RANDOM_LENGTH + 1] = {0};
  for (size_t at = 0; at < ID_RANDOM_LENGTH; at++)
    text[at] = id_alphabet[random[at] % 32];
  (void)snprintf(ret, ID_SIZE, "%s-%s", prefix, text);
}

bool id_check(const char *prefix, const char *text) {
  size_t length = strlen(prefix);
  if (strncmp(text, prefix, length) != 0 || text[length] != '-')
    return false;
  const char *random = text + length + 1;
  return strlen(random) == ID_RANDOM_LENGTH && strspn(random, id_alphabet) == ID_RANDOM_LENGTH;
}
