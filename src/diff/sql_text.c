/* How statements are put together: one format with quoting, and lists of options. */
#include "diff/name.h"
#include "diff/sql_build.h"

#include <stdio.h>
#include <string.h>

const char *value_of(const Object *object, const char *property) {
  const char *value = object_property(object, property);
  return value != NULL ? value : "";
}

static void add_name(Buffer *sql, const Object *object) {
  if (object->schema[0] != '\0') {
    name_add(sql, object->schema);
    buffer_add_text(sql, ".");
  }
  name_add(sql, object->name);
}

/* va_list may be an array, which can't be handed on by address; a struct around it can. */
typedef struct Arguments {
  va_list list;
} Arguments;

static void add_argument(Buffer *sql, char directive, Arguments *arguments) {
  if (directive == 'd') {
    buffer_add_format(sql, "%d", va_arg(arguments->list, int));
    return;
  }
  const void *value = va_arg(arguments->list, const void *);
  switch (directive) {
  case 'O':
    object_add_identity(sql, value);
    break;
  case 'P':
    object_add_identity(sql, ((const Object *)value)->parent);
    break;
  case 'N':
    add_name(sql, value);
    break;
  case 'I':
    name_add(sql, value);
    break;
  case 'L':
    if (value == NULL)
      buffer_add_text(sql, "NULL");
    else
      sql_add_literal(sql, value);
    break;
  default:
    buffer_add_text(sql, value);
  }
}

void sql_add_list(Buffer *sql, const char *format, va_list list) {
  Arguments arguments;
  va_copy(arguments.list, list);
  for (const char *at = format; *at != '\0';) {
    size_t plain = strcspn(at, "%");
    buffer_add(sql, at, plain);
    at += plain;
    if (*at != '\0') {
      add_argument(sql, at[1], &arguments);
      at += 2;
    }
  }
  va_end(arguments.list);
}

void sql_add(Buffer *sql, const char *format, ...) {
  va_list list;
  va_start(list, format);
  sql_add_list(sql, format, list);
  va_end(list);
}

/* Notes are comments in SQL: nothing in them may end the line. */
static char *one_line(const char *text) {
  char *line = str_dup(text);
  for (char *at = line; *at != '\0'; at++)
    if ((unsigned char)*at < ' ' || *at == 127)
      *at = ' ';
  return line;
}

void emit_buffer(Build *build, unsigned flags, const char *note, Buffer *sql) {
  DiffSql *ret = build->ret;
  ret->statements = mem_resize(ret->statements, ret->count + 1, sizeof *ret->statements);
  ret->statements[ret->count++] = (SqlStatement){
      .text = buffer_steal(sql),
      .note = note != NULL ? one_line(note) : NULL,
      .phase = build->phase,
      .is_destructive = (flags & EMIT_DESTRUCTIVE) != 0,
      .is_rewrite = (flags & EMIT_REWRITE) != 0,
  };
}

void emit(Build *build, unsigned flags, const char *format, ...) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  va_list list;
  va_start(list, format);
  sql_add_list(&sql, format, list);
  va_end(list);
  emit_buffer(build, flags, NULL, &sql);
}

void emit_noted(Build *build, unsigned flags, const char *note, const char *format, ...) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  va_list list;
  va_start(list, format);
  sql_add_list(&sql, format, list);
  va_end(list);
  emit_buffer(build, flags, note, &sql);
}

void finding(Build *build, const Object *object, const char *text) {
  AUTO_RELEASE(buffer_release) Buffer line = {0};
  sql_add(&line, "%s %O: ", kind_info(object->kind)->word, object);
  buffer_add_text(&line, text);
  DiffSql *ret = build->ret;
  ret->findings = mem_resize(ret->findings, ret->finding_count + 1, sizeof *ret->findings);
  ret->findings[ret->finding_count++] = one_line(line.text);
}

bool next_line(const char **text, const char **line, size_t *length) {
  if (*text == NULL || **text == '\0')
    return false;
  *line = *text;
  *length = strcspn(*text, "\n");
  *text += *length + ((*text)[*length] == '\n' ? 1 : 0);
  return true;
}
