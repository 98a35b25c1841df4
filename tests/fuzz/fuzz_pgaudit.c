/* A line of a tier's log, which whoever may write to it can fill: what becomes of it in the audit
 * has a bounded action of plain letters, and nothing of it is lost on the way. */
#include "branch/statement.c"   /* what pgaudit's message says */
#include "compute/statements.c" /* the line around it */
#include "fuzz.h"

enum { ACTION_LIMIT = 64 };

static void check_message(const char *message) {
  AUTO(json_free) json_t *params = json_object();
  AUTO(str_free) char *action = read_message(message, params);
  HOLDS(str_starts(action, "statement.") && strlen(action) < ACTION_LIMIT);
  HOLDS(action[strspn(action, "abcdefghijklmnopqrstuvwxyz.")] == '\0');
  HOLDS(json_object_size(params) <= 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(json_free) json_t *statements = json_array();
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  take_line((const char *)bytes, length, statements);
  HOLDS(json_array_size(statements) <= 1);
  const char *message = json_string_or(json_array_get(statements, 0), "message", NULL);
  HOLDS(message == NULL || strlen(message) <= MESSAGE_LIMIT);
  check_message(message != NULL ? message : text);
  return 0;
}
