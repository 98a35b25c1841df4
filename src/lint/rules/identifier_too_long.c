/* Names that PostgreSQL cuts. */
#include "lint/rule.h"

/* The parser has cut them already; the splitter has seen them. */
static void check(Lint *lint, const SqlPart *part) {
  const SqlScript *script = lint_script(lint);
  for (size_t at = 0; part->tree != NULL && at < script->long_name_count; at++) {
    const SqlLongName *name = &script->long_names[at];
    if (name->start >= part->start && name->start < part->start + part->length)
      lint_find(lint, (int)(name->start - part->start), "the name has %zu bytes, %d are kept",
                name->length, SQL_NAME_LIMIT);
  }
}

const LintRule rule_identifier_too_long = {
    .name = "identifier-too-long",
    .severity = LINT_WARNING,
    .why = "PostgreSQL silently cuts a name after 63 bytes: two long names can become the same "
           "one, and nothing is found under the name that was written.",
    .instead = "Choose a name of at most 63 bytes.",
    .bad = "ALTER TABLE parts ADD COLUMN "
           "the_weight_of_the_part_as_it_was_measured_when_it_came_in_at_gate numeric;",
    .good = "ALTER TABLE parts ADD COLUMN weight_at_gate numeric;",
    .on_statement = check,
};
