/* ALTER TABLE forms that write the table anew. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  static const struct {
    PgQuery__AlterTableType type;
    const char *name;
  } rows[] = {{AT(SetLogged), "SET LOGGED"},
              {AT(SetUnLogged), "SET UNLOGGED"},
              {AT(SetTableSpace), "SET TABLESPACE"},
              {AT(SetAccessMethod), "SET ACCESS METHOD"}};
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    if (rows[at].type == command->subtype && !target->fresh)
      lint_find(lint, -1, "%s writes %s anew", rows[at].name, target->table->relname);
}

const LintRule rule_table_rewrite = {
    .name = "table-rewrite",
    .severity = LINT_WARNING,
    .why = "The whole table is written anew under an exclusive lock.",
    .instead = "Make a new table with the wanted properties, copy in batches while a trigger keeps "
               "both alike, and swap the names.",
    .refactoring = "Move Data",
    .bad = "ALTER TABLE parts SET UNLOGGED;",
    .good = "ALTER TABLE parts SET (fillfactor = 80);",
    .on_command = check,
};
