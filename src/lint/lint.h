/* The linter of migrations: rules over PostgreSQL's own parse tree, one small file each in rules/,
 * and over the data that is really there when it is given a way to ask. A rule sees the whole
 * migration in order, and its undo. It knows nothing of branches or connections. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

enum {
  LINT_STATEMENTS_LIMIT = 20000, /* of one file */
  LINT_FINDINGS_LIMIT = 10000,   /* of one report; the rest is counted only */
};

typedef enum LintSeverity { LINT_ERROR, LINT_WARNING } LintSeverity;

typedef struct LintRule LintRule; /* lint/rule.h */

/* One migration file. All borrowed. */
typedef struct LintInput {
  const char *file; /* as findings name it */
  const char *text;
  size_t length;
  const char *undo;    /* what undoes it; NULL: nothing */
  bool undo_is_known;  /* false: a file alone, rules about undo keep quiet */
  bool in_transaction; /* whoever runs it puts a transaction around it */
  bool is_wrapped;     /* the same, unless it begins or ends transactions itself, or has a statement
                          that can't be run in one: as Bough applies migrations */
} LintInput;

/* Asks the database that a migration is meant for: sql is one SELECT of one boolean, every name in
 * it quoted. Called as the least of readers, under a time limit; a failure is reported as something
 * that could not be checked, and ends nothing. */
typedef bool LintAsk(void *context, const char *sql, bool *ret, Error *err);

typedef struct LintOptions {
  bool taste;      /* also the rules that are a matter of taste */
  bool idempotent; /* a migration must be one that can be run again */
  LintAsk *ask;    /* NULL: no database, data rules keep quiet */
  void *ask_context;
} LintOptions;

typedef struct LintFinding {
  char *file;
  int line;
  int column; /* in characters, from 1 */
  const LintRule *rule;
  LintSeverity severity;
  char *text;     /* what is the matter here */
  char *silenced; /* the reason given in the file, NULL when it counts */
} LintFinding;

typedef struct LintReport {
  LintFinding *findings; /* in the order of the files and of the places within */
  size_t count;
  size_t capacity;
  size_t files;
  size_t errors;
  size_t warnings;
  size_t silenced;
} LintReport;
void lint_report_release(LintReport *report);

/* Adds what is to be said about one file to ret. A file that can't be parsed is a finding; fails
 * only for one that can't be read at all (too large, not UTF-8), with the file's name. */
CHECKED bool lint_file(const LintInput *input, const LintOptions *options, LintReport *ret,
                       Error *err);

/* The same for an array of {file,text,undo,undo_is_known,in_transaction,wrapped}, as the API takes
 * it. */
CHECKED bool lint_inputs(const json_t *inputs, const LintOptions *options, LintReport *ret,
                         Error *err);

/* ---- the report as text and JSON ---- */

/* "FILE:LINE:COLUMN: severity: text [rule]", and with explain the why and the instead below; then a
 * line that sums up. */
void lint_render_text(const json_t *report, bool explain, Buffer *ret);
/* {"files","errors","warnings","silenced","findings":[{file,line,column,rule,severity,text,why,
 * instead,refactoring,silenced}]}; owned by the caller. */
json_t *lint_report_to_json(const LintReport *report);

/* ---- the rules ---- */

size_t lint_rule_count(void);
const LintRule *lint_rule(size_t at);
const LintRule *lint_rule_by_name(const char *name); /* NULL: none */
/* docs/lint.md: every rule with its examples. Appends. */
void lint_render_rules(Buffer *ret);
