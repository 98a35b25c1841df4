/* Migrations from anywhere, as they are sent to the server: every rule copes with every tree, and
 * what it asks of the data is one statement that only reads. */
#include "fuzz.h"
#include "lint/lint.h"
#include "sql/sql.h"

#include <string.h>

static bool answer(void *context, const char *sql, bool *ret, Error *err) {
  AUTO(sql_free) SqlScript *script = NULL;
  size_t *count = context;
  HOLDS(sql_parse(sql, strlen(sql), &script, NULL));
  HOLDS(script->count == 1 && script->parts[0].flags == SQL_READ);
  *ret = (*count)++ % 2 == 0;
  return *count % 7 != 0 || error_set(err, ERROR_SQL, "refused");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  AUTO_RELEASE(lint_report_release) LintReport report = {0};
  size_t count = 1;
  LintOptions options = {.taste = true, .idempotent = true, .ask = answer, .ask_context = &count};
  LintInput input = {.file = "fuzz.sql",
                     .text = text,
                     .length = strlen(text),
                     .undo = text,
                     .undo_is_known = true,
                     .in_transaction = length % 2 == 0};
  if (!lint_file(&input, &options, &report, NULL))
    return 0;
  HOLDS(report.errors + report.warnings + report.silenced == report.count);
  AUTO(json_free) json_t *object = lint_report_to_json(&report);
  AUTO_RELEASE(buffer_release) Buffer rendered = {0};
  lint_render_text(object, true, &rendered);
  return 0;
}
