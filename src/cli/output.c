/* Tables, units and colour for people; JSON for programs. */
#include "cli/output.h"

#include "core/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const colour_codes[] = {
    [COLOUR_NONE] = "",         [COLOUR_BOLD] = "\033[1m",
    [COLOUR_GOOD] = "\033[32m", [COLOUR_WARNING] = "\033[33m",
    [COLOUR_BAD] = "\033[31m",  [COLOUR_DIM] = "\033[2m",
};

static const struct {
  const char *state;
  Colour colour;
} state_colours[] = {
    {"ready", COLOUR_GOOD},       {"running", COLOUR_GOOD},     {"done", COLOUR_GOOD},
    {"ok", COLOUR_GOOD},          {"up", COLOUR_GOOD},          {"nearly full", COLOUR_WARNING},
    {"failed", COLOUR_BAD},       {"missing", COLOUR_BAD},      {"down", COLOUR_BAD},
    {"error", COLOUR_BAD},        {"warning", COLOUR_WARNING},  {"creating", COLOUR_WARNING},
    {"deleting", COLOUR_WARNING}, {"starting", COLOUR_WARNING}, {"deleted", COLOUR_DIM},
    {"suspended", COLOUR_DIM},    {"stopped", COLOUR_DIM},
};

void output_start(Output *output, bool is_json, bool is_quiet) {
  const char *no_colour = getenv("NO_COLOR");
  const char *terminal = getenv("TERM");
  bool wants_colour = (no_colour == NULL || no_colour[0] == '\0') && !str_equal(terminal, "dumb");
  *output = (Output){
      .is_json = is_json,
      .is_quiet = is_quiet,
      .is_terminal = isatty(STDOUT_FILENO),
      .has_colour = wants_colour && isatty(STDOUT_FILENO),
      .has_progress = !is_quiet && !str_equal(terminal, "dumb") && isatty(STDERR_FILENO),
  };
}

/* What comes from a server or a file must not move the cursor, or turn what stands beside it. */
static void print_clean(const char *text, int indent) {
  AUTO_RELEASE(buffer_release) Buffer clean = {0};
  buffer_add_text(&clean, "");
  escape_terminal(&clean, text, indent);
  (void)fputs(clean.text, stdout);
}

void output_document(const Output *output, const char *text) {
  if (output->is_terminal)
    print_clean(text, 0);
  else
    (void)fputs(text, stdout);
}

void output_text(const Output *output, Colour colour, const char *text) {
  bool is_coloured = output->has_colour && colour != COLOUR_NONE;
  if (is_coloured)
    (void)fputs(colour_codes[colour], stdout);
  print_clean(text, -1);
  if (is_coloured)
    (void)fputs("\033[0m", stdout);
}

Colour output_state_colour(const char *state) {
  for (size_t at = 0; at < ARRAY_LENGTH(state_colours); at++)
    if (str_equal(state_colours[at].state, state))
      return state_colours[at].colour;
  return COLOUR_NONE;
}

/* Tables
 * -------------------------------------------------------------------------------------------- */

/* Columns on a terminal: UTF-8's continuation bytes take none. */
static size_t text_width(const char *text) {
  size_t width = 0;
  for (const char *c = text; *c != '\0'; c++)
    if (((unsigned char)*c & 0xc0) != 0x80)
      width++;
  return width;
}

void table_init(Table *table, const char *const *titles, size_t count) {
  *table = (Table){.columns = count};
  memcpy(table->titles, titles, count * sizeof *titles);
}

void table_add(Table *table, Colour colour, const char *text) {
  table->cells = mem_resize(table->cells, table->cell_count + 1, sizeof *table->cells);
  table->cells[table->cell_count++] = (struct TableCell){str_dup(text), colour};
}

void table_release(Table *table) {
  for (size_t at = 0; at < table->cell_count; at++)
    str_free(table->cells[at].text);
  mem_free(table->cells);
  *table = (Table){0};
}

static void print_cell(const Output *output, Colour colour, const char *text, size_t width,
                       bool is_last) {
  output_text(output, colour, text);
  if (is_last)
    (void)putchar('\n');
  else
    (void)printf("%*s", (int)(width - text_width(text) + 2), "");
}

void table_print(const Table *table, const Output *output) {
  size_t widths[TABLE_COLUMN_LIMIT];
  for (size_t column = 0; column < table->columns; column++)
    widths[column] = text_width(table->titles[column]);
  for (size_t at = 0; at < table->cell_count; at++) {
    size_t width = text_width(table->cells[at].text);
    if (width > widths[at % table->columns])
      widths[at % table->columns] = width;
  }
  for (size_t column = 0; column < table->columns; column++)
    print_cell(output, COLOUR_BOLD, table->titles[column], widths[column],
               column + 1 == table->columns);
  for (size_t at = 0; at < table->cell_count; at++)
    print_cell(output, table->cells[at].colour, table->cells[at].text, widths[at % table->columns],
               at % table->columns + 1 == table->columns);
}

/* Units
 * --------------------------------------------------------------------------------------------- */

void human_bytes(int64_t bytes, char ret[HUMAN_SIZE]) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < ARRAY_LENGTH(units); unit++)
    value /= 1024;
  if (bytes < 0)
    (void)snprintf(ret, HUMAN_SIZE, "unknown");
  else
    (void)snprintf(ret, HUMAN_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void human_age(int64_t seconds, char ret[HUMAN_SIZE]) {
  static const struct {
    int64_t seconds;
    const char *name;
  } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  size_t unit = 0; /* the largest that the next smaller one would be rounded up to */
  while (unit + 1 < ARRAY_LENGTH(units) &&
         seconds + units[unit + 1].seconds / 2 < units[unit].seconds)
    unit++;
  long long count = (seconds + units[unit].seconds / 2) / units[unit].seconds;
  if (seconds < 0)
    (void)snprintf(ret, HUMAN_SIZE, "unknown");
  else
    (void)snprintf(ret, HUMAN_SIZE, "%lld %s%s", count, units[unit].name, count == 1 ? "" : "s");
}

void human_duration(double milliseconds, char ret[HUMAN_SIZE]) {
  if (milliseconds < 1000)
    (void)snprintf(ret, HUMAN_SIZE, "%.0f ms", milliseconds);
  else
    (void)snprintf(ret, HUMAN_SIZE, "%.1f s", milliseconds / 1000);
}

/* The two ends of every command
 * --------------------------------------------------------------------- */

static void print_json(const json_t *object) {
  AUTO(str_free) char *text = json_text(object);
  (void)puts(text);
}

void output_result(const json_t *result) {
  AUTO(json_free) json_t *object = json_pack("{s:b, s:O}", "ok", 1, "result", (json_t *)result);
  print_json(object);
}

void output_error(Output *output, const Error *err) {
  output_end_progress(output);
  if (output->is_json) {
    AUTO(json_free)
    json_t *object = json_pack("{s:b, s:o}", "ok", 0, "error", json_from_error(err));
    print_json(object);
    return;
  }
  (void)fprintf(stderr, "bough: %s\n", err->message);
  if (err->hint[0] != '\0')
    (void)fprintf(stderr, "hint: %s\n", err->hint);
}
