/* A statement without a transaction among others. */
#include "lint/rule.h"

static void check(Lint *lint, const SqlPart *part) {
  const SqlScript *script = lint_script(lint);
  if ((part->flags & SQL_OUTSIDE) == 0)
    return;
  for (size_t at = 0; at < script->count; at++) {
    unsigned flags = script->parts[at].flags;
    if ((flags & (SQL_DDL | SQL_WRITE)) != 0 && (flags & SQL_OUTSIDE) == 0) {
      lint_find(lint, -1, "%s runs outside of a transaction, beside statements that need one",
                part->name);
      return;
    }
  }
}

const LintRule rule_outside_among_others = {
    .name = "outside-among-others",
    .severity = LINT_WARNING,
    .why = "If one of the statements fails, those before it stay done: the migration can neither "
           "be run again nor be taken back.",
    .instead = "One statement that runs outside of a transaction per migration.",
    .bad = "ALTER TABLE parts ADD COLUMN weight numeric;\n"
           "CREATE INDEX CONCURRENTLY parts_weight ON parts (weight);",
    .good = "CREATE INDEX CONCURRENTLY parts_weight ON parts (weight);",
    .on_statement = check,
};
