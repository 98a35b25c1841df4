/* Migrations to be linted as the API takes them. */
#include "lint/rule.h"

#include <string.h>

static bool read_input(const json_t *object, LintInput *ret, Error *err) {
  LintInput input = {.undo = json_string_or(object, "undo", NULL),
                     .undo_is_known = json_bool_or(object, "undo_is_known", false),
                     .in_transaction = json_bool_or(object, "in_transaction", false),
                     .is_wrapped = json_bool_or(object, "wrapped", false)};
  if (!json_get_string(object, "file", &input.file, err) ||
      !json_get_string(object, "text", &input.text, err))
    return false;
  input.length = strlen(input.text);
  *ret = input;
  return true;
}

bool lint_inputs(const json_t *inputs, const LintOptions *options, LintReport *ret, Error *err) {
  size_t at = 0;
  const json_t *object = NULL;
  json_array_foreach(inputs, at, object) {
    LintInput input = {0};
    if (!read_input(object, &input, err) || !lint_file(&input, options, ret, err))
      return false;
  }
  return true;
}
