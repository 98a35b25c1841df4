/* The linter with a branch to look at: wakes it and lets the rules ask its data. */
#pragma once

#include "branch/context.h"
#include "lint/lint.h"

typedef struct LintRequest {
  const char *branch;
  const char *database; /* NULL: the project's default */
  const json_t *files;  /* as lint_inputs takes them */
  bool all;             /* also what is a matter of taste */
  bool idempotent;      /* migrations must be such that they can be run again */
} LintRequest;

/* The report as lint_report_to_json makes it, with the branch's name. The caller must be allowed to
 * read the branch. Questions are asked in read-only transactions with the rights of its role, each
 * for a few seconds at most, and all of them for a minute. */
CHECKED bool branch_lint(Context *context, const ProjectRow *project, const LintRequest *request,
                         json_t **ret, Error *err);
