/* Renames, and texts in which they are carried out: PostgreSQL's own texts are taken apart into
 * chains of names (a.b.c), literals and the rest. */
#include "diff/renames.h"
#include "diff/name.h"

#include "core/str.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_LIMIT = 4 }; /* database.schema.table.column */

typedef struct Rename {
  const char *old_name;
  const Object *before, *after;
} Rename;

struct Renames {
  Rename *all; /* by old name */
  size_t count, capacity;
};

Renames *renames_new(void) {
  return mem_new(1, sizeof(Renames));
}

void renames_free(Renames *renames) {
  if (renames == NULL)
    return;
  mem_free(renames->all);
  mem_free(renames);
}

bool renames_is_empty(const Renames *renames) {
  return renames->count == 0;
}

void renames_add(Renames *renames, const Object *before, const Object *after) {
  if (str_equal(before->name, after->name) && str_equal(before->schema, after->schema))
    return;
  if (renames->count == renames->capacity) {
    renames->capacity = renames->capacity == 0 ? 16 : 2 * renames->capacity;
    renames->all = mem_resize(renames->all, renames->capacity, sizeof *renames->all);
  }
  renames->all[renames->count++] = (Rename){before->name, before, after};
}

static int compare_renames(const void *a, const void *b) {
  return strcmp(((const Rename *)a)->old_name, ((const Rename *)b)->old_name);
}

void renames_finish(Renames *renames) {
  if (renames->count > 0)
    qsort(renames->all, renames->count, sizeof *renames->all, compare_renames);
}

/* The first of those with that old name; *ret_count is how many follow, it included. */
static const Rename *find(const Renames *renames, const char *name, size_t *ret_count) {
  size_t low = 0;
  size_t high = renames->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(renames->all[middle].old_name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *ret_count = 0;
  while (low + *ret_count < renames->count &&
         str_equal(renames->all[low + *ret_count].old_name, name))
    (*ret_count)++;
  return renames->all + low;
}

/* ---- chains of names ---- */

typedef struct Chain {
  char *names[CHAIN_LIMIT]; /* without quotes */
  const char *changed[CHAIN_LIMIT];
  size_t count;
} Chain;

static void chain_release(Chain *chain) {
  for (size_t at = 0; at < chain->count; at++)
    str_free(chain->names[at]);
}

static bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool is_word(char c) {
  return is_word_start(c) || (c >= '0' && c <= '9') || c == '$';
}

/* The length of the name that text starts with, quoted or not; 0: none. */
static size_t take_name(const char *text, Buffer *ret) {
  size_t at = 0;
  if (text[0] != '"') {
    while (is_word_start(text[0]) && is_word(text[at]))
      at++;
    buffer_add(ret, text, at);
    return at;
  }
  for (at = 1; text[at] != '\0'; at++) {
    if (text[at] == '"' && text[at + 1] != '"')
      return at + 1;
    at += text[at] == '"' ? 1 : 0;
    buffer_add(ret, text + at, 1);
  }
  return 0; /* no end: not a name */
}

static size_t take_chain(const char *text, Chain *ret) {
  size_t length = 0;
  while (ret->count < CHAIN_LIMIT) {
    AUTO_RELEASE(buffer_release) Buffer name = {0};
    size_t taken = take_name(text + length, &name);
    if (taken == 0)
      return ret->count == 0 ? 0 : length - 1; /* the dot isn't part of it */
    ret->names[ret->count++] = buffer_steal(&name);
    length += taken;
    if (text[length] != '.')
      return length;
    length++;
  }
  return length - (text[length - 1] == '.' ? 1 : 0);
}

/* ---- carrying out ---- */

static bool is_column(const Object *object) {
  return object->kind == KIND_COLUMN || object->kind == KIND_VIEW_COLUMN ||
         object->kind == KIND_ATTRIBUTE;
}

/* The relation that object is, or lies in. */
static const Object *relation_of(const Object *object) {
  return object->parent != NULL ? object->parent : object;
}

/* "schema.name" and "name.": a relation, type, routine. */
static void rename_object(const Renames *renames, Chain *chain) {
  size_t count = 0;
  for (size_t at = 0; at < chain->count && at < 2; at++) {
    const Rename *rename = find(renames, chain->names[at], &count);
    for (; count > 0; count--, rename++) {
      if (is_column(rename->before) || rename->before->parent != NULL)
        continue;
      bool is_qualified = at == 1 && str_equal(rename->before->schema, chain->names[0]);
      bool is_schema = at == 0 && rename->before->kind == KIND_SCHEMA && chain->count > 1;
      bool is_alias = at == 0 && chain->count > 1 && rename->before->kind != KIND_SCHEMA;
      if (is_qualified)
        chain->changed[0] = rename->after->schema;
      if (is_qualified || is_schema || (is_alias && chain->changed[0] == NULL))
        chain->changed[at] = rename->after->name;
    }
  }
}

/* The last name, if it is a column of the context, or of a relation that the text names. */
static void rename_column(const Renames *renames, const Object *context, const char *text,
                          Chain *chain) {
  size_t last = chain->count - 1;
  size_t count = 0;
  const Rename *rename = find(renames, chain->names[last], &count);
  for (; count > 0 && chain->changed[last] == NULL; count--, rename++) {
    const Object *column = rename->before;
    if (!is_column(column))
      continue;
    bool is_ours = column->parent == relation_of(context);
    bool is_its = last > 0 ? str_equal(chain->names[last - 1], column->parent->name)
                           : strstr(text, column->parent->name) != NULL;
    if (is_ours || is_its)
      chain->changed[last] = rename->after->name;
  }
}

static void add_chain(const Chain *chain, const char *text, size_t length, Buffer *ret) {
  bool is_changed = false;
  for (size_t at = 0; at < chain->count; at++)
    is_changed = is_changed || chain->changed[at] != NULL;
  if (!is_changed) {
    buffer_add(ret, text, length);
    return;
  }
  for (size_t at = 0; at < chain->count; at++) {
    buffer_add_text(ret, at == 0 ? "" : ".");
    name_add(ret, chain->changed[at] != NULL ? chain->changed[at] : chain->names[at]);
  }
}

static size_t translate_chain(const Renames *renames, const Object *context, const char *whole,
                              const char *text, Buffer *ret) {
  Chain chain = {.count = 0};
  size_t length = take_chain(text, &chain);
  if (length > 0) {
    bool is_type = text - whole >= 2 && text[-1] == ':' && text[-2] == ':';
    rename_object(renames, &chain);
    if (text[length] != '(' && !is_type)
      rename_column(renames, context, whole, &chain);
    add_chain(&chain, text, length, ret);
  }
  chain_release(&chain);
  return length;
}

/* The length of a literal with its quotes. */
static size_t literal_length(const char *text) {
  size_t at = 1;
  for (; text[at] != '\0'; at++) {
    if (text[at] == '\'' && text[at + 1] == '\'')
      at++;
    else if (text[at] == '\'')
      return at + 1;
  }
  return at;
}

/* 'public.t_id_seq'::regclass is a name. */
static size_t translate_literal(const Renames *renames, const Object *context, const char *text,
                                Buffer *ret) {
  size_t length = literal_length(text);
  Chain chain = {.count = 0};
  if (str_starts(text + length, "::regclass") && take_chain(text + 1, &chain) == length - 2) {
    rename_object(renames, &chain);
    buffer_add_text(ret, "'");
    add_chain(&chain, text + 1, length - 2, ret);
    buffer_add_text(ret, "'");
  } else {
    buffer_add(ret, text, length);
  }
  chain_release(&chain);
  return length;
}

void renames_translate(const Renames *renames, const Object *object, const char *text,
                       Buffer *ret) {
  for (const char *at = text; *at != '\0';) {
    size_t length = 0;
    if (*at == '\'')
      length = translate_literal(renames, object, at, ret);
    else if (at == text || !is_word(at[-1]))
      length = translate_chain(renames, object, text, at, ret);
    if (length == 0)
      buffer_add(ret, at, length = 1);
    at += length;
  }
}
