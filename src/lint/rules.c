/* The table of all rules, and the page that documents them. */
#include "lint/rule.h"

#include <string.h>

static const LintRule *const rules[] = {
#define RULE(name) &rule_##name,
#include "lint/rules.def"
#undef RULE
};

size_t lint_rule_count(void) {
  return ARRAY_LENGTH(rules);
}

const LintRule *lint_rule(size_t at) {
  return rules[at];
}

const LintRule *lint_rule_by_name(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(rules); at++)
    if (strcmp(rules[at]->name, name) == 0)
      return rules[at];
  return NULL;
}

static void render_example(const char *title, const char *sql, const char *undo, Buffer *ret) {
  buffer_add_format(ret, "\n%s\n\n```sql\n%s\n", title, sql);
  if (undo != NULL)
    buffer_add_format(ret, "-- undo\n%s\n", undo);
  buffer_add_text(ret, "```\n");
}

static void render_rule(const LintRule *rule, Buffer *ret) {
  buffer_add_format(ret, "\n## %s\n\n%s%s%s. %s\n", rule->name,
                    rule->severity == LINT_ERROR ? "Error" : "Warning",
                    rule->taste               ? ", with `--all` only"
                    : rule->needs_idempotence ? ", with `--all`, or where the policy requires it"
                                              : "",
                    rule->data != NULL ? ", with `--branch` only" : "", rule->why);
  buffer_add_format(ret, "\nInstead: %s\n", rule->instead);
  if (rule->refactoring != NULL)
    buffer_add_format(ret, "\nRefactoring: %s.\n", rule->refactoring);
  if (rule->data != NULL)
    render_example("Where the branch holds", rule->data, NULL, ret);
  render_example("Found:", rule->bad, rule->bad_undo, ret);
  render_example("Not found:", rule->good, rule->good_undo, ret);
}

void lint_render_rules(Buffer *ret) {
  buffer_add_text(
      ret,
      "# Rules of `bough migrate lint`\n\n"
      "Generated from `src/lint/rules`. Each rule's examples are its tests. Errors make the "
      "command "
      "end with status 2.\n\n"
      "To silence a rule for one statement, write a comment above it or within it; the reason is "
      "required and is reported. `bough:ignore-file` silences it for the whole file.\n\n"
      "```sql\n-- bough:ignore drop-column nobody reads it since release 41\n"
      "ALTER TABLE parts DROP COLUMN inventory_code;\n```\n");
  for (size_t at = 0; at < ARRAY_LENGTH(rules); at++)
    render_rule(rules[at], ret);
}
