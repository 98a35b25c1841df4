/* Lines of "label: value", notes and times. */
#include "cli/show.h"

#include "core/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LABEL_WIDTH = 16 };

static void show_label(const Cli *cli, const char *label) {
  (void)printf("%s:%*s", label, (int)(LABEL_WIDTH - strlen(label) - 1), "");
}

void show_field(const Cli *cli, const char *label, const char *value) {
  if (value == NULL)
    return;
  show_label(cli, label);
  output_text(&cli->output, COLOUR_NONE, value);
  (void)putchar('\n');
}

void show_state_field(const Cli *cli, const char *label, const char *state) {
  show_label(cli, label);
  output_text(&cli->output, output_state_colour(state), state);
  (void)putchar('\n');
}

void show_bytes_field(const Cli *cli, const char *label, const json_t *value) {
  char text[HUMAN_SIZE];
  human_bytes(json_is_integer(value) ? json_integer_value(value) : -1, text);
  show_field(cli, label, text);
}

void show_line(const Cli *cli, Colour colour, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = NULL;
  int length = vasprintf(&text, format, args);
  va_end(args);
  if (length >= 0)
    output_text(&cli->output, colour, text);
  (void)putchar('\n');
  str_free(length >= 0 ? text : NULL);
}

void show_notes(const Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *note = NULL;
  json_array_foreach(show_array(result, "notes"), at, note) {
    if (json_is_string(note))
      show_line(cli, COLOUR_WARNING, "note: %s", json_string_value(note));
  }
}

const char *show_text(const json_t *object, const char *key) {
  return json_string_or(object, key, "-");
}

const json_t *show_array(const json_t *object, const char *key) {
  const json_t *array = json_object_get(object, key);
  return json_is_array(array) ? array : NULL;
}

void show_ago(const char *time, char ret[HUMAN_SIZE + 16]) {
  struct tm parts = {0};
  if (strptime(time, "%Y-%m-%dT%H:%M:%S", &parts) == NULL) {
    (void)snprintf(ret, HUMAN_SIZE + 16, "%.40s", time);
    return;
  }
  int64_t seconds = clock_wall_us() / 1000000 - (int64_t)timegm(&parts);
  char age[HUMAN_SIZE];
  human_age(seconds > 0 ? seconds : 0, age);
  (void)snprintf(ret, HUMAN_SIZE + 16, "%s ago", age);
}
