/* The line of progress on stderr: a bar where the total is known, else a spinner. */
#include "cli/output.h"
#include "core/clock.h"

#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 1000, BAR_WIDTH = 24 };

static void add_bar(Buffer *line, int64_t done, int64_t total) {
  int64_t filled = done >= total ? BAR_WIDTH : done * BAR_WIDTH / total;
  buffer_add_text(line, " [");
  for (int64_t at = 0; at < BAR_WIDTH; at++)
    buffer_add_text(line, at < filled ? "#" : ".");
  buffer_add_format(line, "] %3d%%", (int)(done >= total ? 100 : done * 100 / total));
}

static void draw(Output *output) {
  static const char spinner[] = "|/-\\";
  int64_t now = clock_monotonic_ms();
  if (output->started_ms == 0)
    output->started_ms = now;
  if (!output->has_progress || now - output->started_ms < PATIENCE_MS)
    return;
  AUTO_RELEASE(buffer_release) Buffer line = {0};
  buffer_add_format(&line, "\r\033[K%s", output->text[0] != '\0' ? output->text : "working");
  if (output->total > 0 && output->done >= 0)
    add_bar(&line, output->done, output->total);
  else
    buffer_add_format(&line, " %c", spinner[(now / 125) % 4]);
  (void)fwrite(line.text, 1, line.length, stderr);
  output->is_drawn = true;
}

void output_set_progress(Output *output, const char *text, int64_t done, int64_t total) {
  size_t length = 0;
  for (; text[length] != '\0' && length + 1 < sizeof output->text; length++)
    output->text[length] = (unsigned char)text[length] < 0x20 ? '?' : text[length];
  output->text[length] = '\0';
  output->done = done;
  output->total = total < INT64_MAX / 100 ? total : 0;
  draw(output);
}

void output_progress(void *context, const json_t *progress) {
  Output *output = context;
  output_set_progress(output, json_string_or(progress, "text", ""),
                      json_integer_or(progress, "done", 0), json_integer_or(progress, "total", 0));
}

void output_tick(void *context) {
  draw(context);
}

void output_end_progress(Output *output) {
  if (output->is_drawn)
    (void)fputs("\r\033[K", stderr);
  output->is_drawn = false;
  output->started_ms = 0;
  output->text[0] = '\0';
  output->total = 0;
}
