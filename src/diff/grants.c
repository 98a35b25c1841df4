/* Grants in a form that compares: without grantors, without what is given by default, in order. */
#include "diff/compare.h"
#include "diff/name.h"

#include "core/str.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRY_LIMIT = 1024 }; /* of one object; what comes behind them isn't compared */

typedef struct Defaults {
  ObjectKind kind;
  const char *owner;  /* letters of all that there is, in the order of aclitem */
  const char *public; /* what everybody has */
} Defaults;

static const Defaults *defaults_of(ObjectKind kind) {
  static const Defaults kinds[] = {
      {KIND_TABLE, "arwdDxt", ""}, {KIND_FOREIGN_TABLE, "arwdDxt", ""},
      {KIND_VIEW, "arwdDxt", ""},  {KIND_MATERIALIZED_VIEW, "arwdDxt", ""},
      {KIND_SEQUENCE, "rwU", ""},  {KIND_FUNCTION, "X", "X"},
      {KIND_PROCEDURE, "X", "X"},  {KIND_AGGREGATE, "X", "X"},
      {KIND_SCHEMA, "UC", ""},     {KIND_LANGUAGE, "U", "U"},
      {KIND_ENUM, "U", "U"},       {KIND_DOMAIN, "U", "U"},
      {KIND_COMPOSITE, "U", "U"},  {KIND_RANGE, "U", "U"},
      {KIND_BASE_TYPE, "U", "U"},  {KIND_FOREIGN_DATA_WRAPPER, "U", ""},
      {KIND_SERVER, "U", ""},
  };
  static const Defaults none = {KIND_NONE, "", ""}; /* of columns, and of default privileges */
  for (size_t at = 0; at < ARRAY_LENGTH(kinds); at++)
    if (kinds[at].kind == kind)
      return &kinds[at];
  return &none;
}

/* ---- an array of aclitem as text ---- */

/* Takes the next element of {a,"b\"c"}; *at stands behind the brace or a comma. False at the end.
 */
static bool next_element(const char **at, Buffer *ret) {
  const char *text = *at;
  buffer_clear(ret);
  if (*text == '\0' || *text == '}')
    return false;
  bool is_quoted = false;
  for (; *text != '\0' && (is_quoted || (*text != ',' && *text != '}')); text++) {
    if (*text == '"') {
      is_quoted = !is_quoted;
      continue;
    }
    if (*text == '\\' && text[1] != '\0')
      text++;
    buffer_add(ret, text, 1);
  }
  *at = *text == ',' ? text + 1 : text;
  return true;
}

/* Takes the grantee off the front of an aclitem: a name, or "a ""quoted"" one"; leaves *at behind
 * '='. */
static void take_grantee(const char **at, Buffer *ret) {
  const char *text = *at;
  bool is_quoted = false;
  buffer_clear(ret);
  for (; *text != '\0' && (is_quoted || *text != '='); text++) {
    if (*text == '"' && is_quoted && text[1] == '"')
      text++;
    else if (*text == '"') {
      is_quoted = !is_quoted;
      continue;
    }
    buffer_add(ret, text, 1);
  }
  *at = *text == '=' ? text + 1 : text;
}

/* ---- the normal form ---- */

typedef struct Lines {
  char *lines[ENTRY_LIMIT];
  size_t count;
  bool has_owner, has_public;
} Lines;

static void add_line(Lines *lines, const char *grantee, bool is_word, const char *letters,
                     size_t length) {
  if (lines->count == ENTRY_LIMIT)
    return;
  Buffer line = {0};
  if (is_word)
    buffer_add_text(&line, grantee);
  else
    name_add(&line, grantee);
  buffer_add_format(&line, "=%.*s", (int)length, letters);
  lines->lines[lines->count++] = buffer_steal(&line);
}

static bool is_same(const char *letters, size_t length, const char *expected) {
  return strlen(expected) == length && memcmp(letters, expected, length) == 0;
}

static void add_item(Lines *lines, const Object *object, const Defaults *defaults,
                     const char *item) {
  AUTO_RELEASE(buffer_release) Buffer grantee = {0};
  take_grantee(&item, &grantee);
  const char *name = grantee.length > 0 ? grantee.text : "";
  size_t length = strcspn(item, "/");
  bool is_default = defaults->kind != KIND_NONE;
  if (name[0] == '\0') {
    lines->has_public = true;
    if (!is_default || !is_same(item, length, defaults->public))
      add_line(lines, "PUBLIC", true, item, length);
  } else if (is_default && str_equal(name, object->owner)) {
    lines->has_owner = true;
    if (!is_same(item, length, defaults->owner))
      add_line(lines, "OWNER", true, item, length);
  } else if (!str_starts(name, "bough_")) {
    add_line(lines, name, false, item, length);
  }
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *join(Arena *arena, Lines *lines) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  qsort(lines->lines, lines->count, sizeof(char *), compare_lines);
  for (size_t at = 0; at < lines->count; at++) {
    buffer_add_format(&text, at == 0 ? "%s" : "\n%s", lines->lines[at]);
    str_free(lines->lines[at]);
  }
  return text.length == 0 ? "" : arena_text(arena, text.text, text.length);
}

const char *object_grants(Arena *arena, const Object *object) {
  if (object->grants == NULL)
    return "";
  const Defaults *defaults = defaults_of(object->kind);
  Lines lines = {.count = 0};
  AUTO_RELEASE(buffer_release) Buffer item = {0};
  const char *at = object->grants + (object->grants[0] == '{' ? 1 : 0);
  while (next_element(&at, &item))
    if (item.length > 0)
      add_item(&lines, object, defaults, item.text);
  if (defaults->kind != KIND_NONE && !lines.has_owner)
    add_line(&lines, "OWNER", true, "", 0);
  if (defaults->public[0] != '\0' && !lines.has_public)
    add_line(&lines, "PUBLIC", true, "", 0);
  return join(arena, &lines);
}
