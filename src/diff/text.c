/* The form for a terminal: marks, headings, what it costs, rights apart. */
#include "diff/render.h"

#include "core/escape.h"
#include "diff/name.h"
#include "diff/outline.h"

#include <string.h>

enum { VALUE_LIMIT = 72 }; /* longer values stand below each other */

typedef struct Text {
  Buffer out;
  const Diff *diff;
  const RenderOptions *options;
} Text;

typedef enum Color { PLAIN, RED, GREEN, YELLOW, BOLD, DIM } Color;

static const char *color_code(Color color) {
  static const char *const codes[] = {"0", "31", "32", "33", "1", "2"};
  return codes[color];
}

static void paint(Text *text, Color color) {
  if (text->options->color)
    buffer_add_format(&text->out, "\033[%sm", color_code(color));
}

static const struct {
  const char *mark;
  Color color;
} marks[] = {
    [CHANGE_ADDED] = {"+", GREEN},    [CHANGE_REMOVED] = {"-", RED},
    [CHANGE_CHANGED] = {"~", YELLOW}, [CHANGE_RENAMED] = {">", YELLOW},
    [CHANGE_REPLACED] = {"=", DIM},   [CHANGE_REORDERED] = {"=", DIM},
};

/* ---- properties ---- */

static void add_value(Text *text, const char *value) {
  escape_terminal(&text->out, value != NULL && value[0] != '\0' ? value : "none", -1);
}

static void add_lines(Text *text, const char *mark, Color color, const char *value, int indent) {
  if (value == NULL)
    return;
  paint(text, color);
  buffer_add_format(&text->out, "%*s%s ", indent, "", mark);
  escape_terminal(&text->out, value, indent + 2);
  paint(text, PLAIN);
  buffer_add_text(&text->out, "\n");
}

static bool is_long(const char *value) {
  return value != NULL && (strlen(value) > VALUE_LIMIT || strchr(value, '\n') != NULL);
}

static void add_property(Text *text, const PropertyChange *change, int indent) {
  buffer_add_format(&text->out, "%*s%s: ", indent, "", change->name);
  if (is_long(change->before) || is_long(change->after)) {
    buffer_add_text(&text->out, "\n");
    add_lines(text, "-", RED, change->before, indent + 2);
    add_lines(text, "+", GREEN, change->after, indent + 2);
    return;
  }
  add_value(text, change->before);
  buffer_add_text(&text->out, " -> ");
  add_value(text, change->after);
  buffer_add_text(&text->out, "\n");
}

/* Without the names, which stand in the heading. */
static bool is_shown(const Change *change, const PropertyChange *property, bool rights) {
  if (str_equal(property->name, "name") ||
      (change->kind == CHANGE_RENAMED && str_equal(property->name, "schema")))
    return false;
  return !change_in_rights(change) || !change_in_schema(change) || property->is_rights == rights;
}

static void add_properties(Text *text, const Change *change, bool rights, int indent) {
  for (size_t at = 0; at < change->property_count; at++)
    if (is_shown(change, &change->properties[at], rights))
      add_property(text, &change->properties[at], indent);
}

/* ---- changes ---- */

static void add_escaped(Text *text, const Buffer *line) {
  escape_terminal(&text->out, line->text, -1);
}

static void add_heading(Text *text, const Change *change, int indent) {
  AUTO_RELEASE(buffer_release) Buffer line = {0};
  paint(text, marks[change->kind].color);
  buffer_add_format(&text->out, "%*s%s ", indent, "", marks[change->kind].mark);
  if (change->kind == CHANGE_RENAMED) {
    buffer_add_format(&line, "%s ", kind_info(change->object_kind)->word);
    object_add_identity(&line, change->before);
    buffer_add_text(&line, " -> ");
    object_add_identity(&line, change->after);
    buffer_add_text(&line, change->is_certain ? " (renamed)" : " (renamed, as a guess)");
  } else {
    outline_add_name(&line, change);
  }
  if (change->kind == CHANGE_ADDED || change->kind == CHANGE_REMOVED)
    outline_add_facts(&line, change_object(change));
  if (change->kind == CHANGE_REORDERED)
    buffer_add_text(&line, ": in another order");
  if (change->is_replaced)
    buffer_add_text(&line, ": dropped and made anew");
  add_escaped(text, &line);
  paint(text, PLAIN);
  buffer_add_text(&text->out, "\n");
}

static void add_impacts(Text *text, const Change *change, int indent) {
  Impact impacts[IMPACT_LIMIT];
  size_t count = impact_of(text->diff, change, impacts);
  for (size_t at = 0; at < count; at++) {
    AUTO_RELEASE(buffer_release) Buffer line = {0};
    outline_add_impact(&line, &impacts[at]);
    paint(text, RED);
    buffer_add_format(&text->out, "%*s! ", indent, "");
    add_escaped(text, &line);
    paint(text, PLAIN);
    buffer_add_text(&text->out, "\n");
  }
}

/* What a new table is made of. */
static void add_parts(Text *text, const Object *object, const char *mark, int indent) {
  for (const Object *part = object->first_child; part != NULL; part = part->next) {
    AUTO_RELEASE(buffer_release) Buffer line = {0};
    if (part->kind != KIND_COLUMN && part->kind != KIND_ATTRIBUTE &&
        part->kind != KIND_ENUM_VALUE && object_is_inherited(part))
      continue;
    buffer_add_format(&line, "%s ", kind_info(part->kind)->word);
    name_add(&line, part->name);
    outline_add_facts(&line, part);
    buffer_add_format(&text->out, "%*s%s ", indent, "", mark);
    add_escaped(text, &line);
    buffer_add_text(&text->out, "\n");
  }
}

static void add_grants(Text *text, const Object *object, const char *mark, int indent) {
  Arena arena = {NULL};
  const char *grants = object_grants(&arena, object);
  if (grants[0] != '\0') {
    buffer_add_format(&text->out, "%*s%s grants: ", indent, "", mark);
    escape_terminal(&text->out, grants, -1);
    buffer_add_text(&text->out, "\n");
  }
  arena_release(&arena);
}

static void add_change(Text *text, const Change *change, bool rights, int indent) {
  bool is_one_sided = change->kind == CHANGE_ADDED || change->kind == CHANGE_REMOVED;
  add_heading(text, change, indent);
  if (!rights || !change_in_schema(change))
    add_impacts(text, change, indent + 4);
  if (is_one_sided && rights)
    add_grants(text, change_object(change), marks[change->kind].mark, indent + 4);
  if (change->kind == CHANGE_ADDED && !rights)
    add_parts(text, change->after, marks[CHANGE_ADDED].mark, indent + 4);
  add_properties(text, change, rights, indent + 4);
}

/* A heading for a table that didn't change itself, once. */
static void add_top(Text *text, const Object *top) {
  AUTO_RELEASE(buffer_release) Buffer line = {0};
  buffer_add_format(&line, "  %s ", kind_info(top->kind)->word);
  object_add_identity(&line, top);
  add_escaped(text, &line);
  buffer_add_text(&text->out, "\n");
}

static bool belongs(const Change *change, bool rights) {
  return rights ? change_in_rights(change) : change_in_schema(change);
}

static void add_section(Text *text, const Outline *outline, bool rights) {
  const Object *top = NULL;
  for (size_t at = 0; at < outline->count; at++) {
    const OutlineLine *line = &outline->lines[at];
    if (!belongs(line->change, rights))
      continue;
    bool is_top = change_object(line->change)->parent == NULL;
    if (!is_top && top != line->top)
      add_top(text, line->top);
    top = line->top;
    add_change(text, line->change, rights, is_top ? 0 : 4);
  }
}

/* ---- the whole ---- */

static void add_counts(Text *text, const Counts *counts) {
  const char *separator = "";
  for (size_t kind = 0; kind < ARRAY_LENGTH(counts->by_kind); kind++)
    if (counts->by_kind[kind] > 0) {
      buffer_add_format(&text->out, "%s%zu %s", separator, counts->by_kind[kind],
                        change_word((ChangeKind)kind));
      separator = ", ";
    }
  const struct {
    size_t count;
    const char *word;
  } marked[] = {{counts->destructive, "destructive"},
                {counts->rewrites, "with a table rewrite"},
                {counts->locks, "with a heavy lock"}};
  separator = "; ";
  for (size_t at = 0; at < ARRAY_LENGTH(marked); at++)
    if (marked[at].count > 0) {
      buffer_add_format(&text->out, "%s%zu %s", separator, marked[at].count, marked[at].word);
      separator = ", ";
    }
  buffer_add_text(&text->out, "\n");
}

static bool has_section(const Outline *outline, bool rights) {
  for (size_t at = 0; at < outline->count; at++)
    if (belongs(outline->lines[at].change, rights))
      return true;
  return false;
}

char *render_text(const Diff *diff, const RenderOptions *options) {
  Text text = {.diff = diff, .options = options};
  Outline outline;
  outline_init(&outline, diff);
  escape_terminal(&text.out, options->before, -1);
  buffer_add_text(&text.out, " -> ");
  escape_terminal(&text.out, options->after, -1);
  buffer_add_text(&text.out, ", database ");
  escape_terminal(&text.out, options->database, -1);
  if (diff->count == 0) {
    buffer_add_text(&text.out, ": no difference\n");
  } else {
    Counts counts = outline_count(&outline, diff);
    buffer_add_text(&text.out, ": ");
    add_counts(&text, &counts);
    if (has_section(&outline, false))
      buffer_add_text(&text.out, "\n");
    add_section(&text, &outline, false);
    if (has_section(&outline, true))
      buffer_add_text(&text.out, "\nRights\n\n");
    add_section(&text, &outline, true);
  }
  if (outline.inherited > 0)
    buffer_add_format(&text.out, "\n%zu more follow from these on partitions and child tables\n",
                      outline.inherited);
  outline_release(&outline);
  return buffer_steal(&text.out);
}
