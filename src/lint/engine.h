/* Of src/lint alone: a run over one file. */
#pragma once

#include "lint/rule.h"

typedef struct LintName {
  const char *schema; /* "" when not named; borrowed from a tree */
  const char *name;
} LintName;

struct Lint {
  const LintInput *input;
  const LintOptions *options;
  SqlScript *script;
  SqlScript *undo;
  LintReport *report;
  size_t first; /* finding of this file */
  size_t at;
  size_t transaction_start;
  const LintRule *rule;      /* that is being asked */
  bool is_transaction_given; /* by whoever runs the migration */
  bool in_transaction;
  bool lock_timeout;
  bool statement_timeout;
  size_t *looks; /* at other statements that rules may still take */
  LintName *fresh;
  size_t fresh_count;
  size_t fresh_capacity;
};

/* Moves on over the current statement: what holds for those behind it. */
void facts_advance(Lint *lint);

/* Finds the comments that silence and applies them to the findings of this file. */
void ignore_apply(Lint *lint);

/* Adds a finding at a byte of the script for a rule. */
void finding_add(Lint *lint, const LintRule *rule, size_t offset, const char *text);
