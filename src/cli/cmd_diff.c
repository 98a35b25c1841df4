/* bough diff: the server compares and writes; here it is only printed. */
#include "cli/handlers.h"
#include "cli/show.h"

#include "core/str.h"

#include <stdio.h>

static void add_parameter(Buffer *path, const char *name, const char *value) {
  if (value == NULL)
    return;
  buffer_add_format(path, "&%s=", name);
  url_add_encoded(path, value);
}

/* Programs get JSON, people text, unless they ask for something else. */
static const char *wanted_format(const Cli *cli) {
  const char *format = invocation_value(&cli->invocation, "format");
  if (format != NULL)
    return format;
  return cli->output.is_json ? "json" : "text";
}

bool cmd_diff_run(Cli *cli, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, cli_project(cli));
  buffer_add_text(&path, "/branches/");
  url_add_encoded(&path, cli->invocation.arguments[0]);
  buffer_add_format(&path, "/diff?color=%d", cli->output.has_colour ? 1 : 0);
  add_parameter(&path, "format", wanted_format(cli));
  add_parameter(&path, "against", invocation_value(&cli->invocation, "against"));
  add_parameter(&path, "database", invocation_value(&cli->invocation, "database"));
  add_parameter(&path, "concurrently",
                invocation_has(&cli->invocation, "concurrently") ? "1" : NULL);
  add_parameter(&path, "full", invocation_has(&cli->invocation, "full") ? "1" : NULL);
  return cli_call(cli, "GET", path.text, NULL, ret, err);
}

/* Text is the server's, with its colours, which made strangers' parts of it harmless; a migration
 * says what it has to, for files. */
void cmd_diff_show(Cli *cli, const json_t *result) {
  const char *text = json_string_or(result, "text", NULL);
  if (text != NULL) {
    if (str_equal(wanted_format(cli), "text"))
      (void)fputs(text, stdout);
    else
      output_document(&cli->output, text);
    return;
  }
  (void)json_dumpf(result, stdout, JSON_INDENT(2));
  (void)putchar('\n');
}
