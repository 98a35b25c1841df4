/* What PostgreSQL would refuse to read. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  if (part->error == NULL)
    return;
  int location = -1;
  for (size_t at = part->start; at < part->start + part->length && location < 0; at++) {
    SqlPosition position = sql_position(lint_script(lint), at);
    if (position.line == part->error_position.line &&
        position.column == part->error_position.column)
      location = (int)(at - part->start);
  }
  lint_find(lint, location, "%s", part->error);
}

const LintRule rule_syntax_error = {
    .name = "syntax-error",
    .severity = LINT_ERROR,
    .why = "PostgreSQL's parser refuses the statement, so the migration fails when it is applied.",
    .instead = "Correct the statement; the message is PostgreSQL's own.",
    .bad = "ALTER TABLE parts ADD COLUM weight numeric;",
    .good = "ALTER TABLE parts ADD COLUMN weight numeric;",
    .on_statement = check,
};
