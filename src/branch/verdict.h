/* Reads what psql reports about a script that it runs, and judges each failed statement. psql is
 * run with VERBOSITY=verbose and --echo-errors, its query output thrown away. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

typedef enum Verdict {
  VERDICT_IGNORED,   /* the import sees to it in another way */
  VERDICT_ROLE,      /* a role that isn't there (yet) */
  VERDICT_MADE,      /* an extension that the platform can make first */
  VERDICT_EXTENSION, /* an extension that isn't installed here */
  VERDICT_META,      /* a backslash command, which wasn't run */
  VERDICT_SUPERUSER, /* not without superuser rights */
  VERDICT_FAILED,
  VERDICT_COUNT_,
} Verdict;

enum { VERDICT_EXAMPLES = 8 };

typedef struct VerdictReport {
  const char *file;     /* its name for messages; borrowed */
  const char *database; /* that is loaded into; borrowed */
  int64_t line_offset;  /* lines of the file before what psql is given */
  int64_t counts[VERDICT_COUNT_];
  Buffer examples[VERDICT_COUNT_]; /* "line 5: CREATE ... : message", the first VERDICT_EXAMPLES */
  json_t *roles;                   /* set of names: roles that were missing */
  json_t *extensions;              /* per database, name to schema: those of VERDICT_MADE */
  /* the report that is being read */
  Buffer line;
  Buffer message;
  Buffer statement;
  char sqlstate[6];
  int64_t at_line;
  bool in_statement, open;
} VerdictReport;

void verdict_report_release(VerdictReport *report);

/* More of what psql wrote; pieces end anywhere. */
void verdict_feed(VerdictReport *report, const char *bytes, size_t length);
/* psql has ended. */
void verdict_finish(VerdictReport *report);

/* What is told where statements of that verdict were among them. */
typedef struct VerdictRefusal {
  Verdict verdict;
  ErrorCode code;
  const char *message;
  const char *hint;
} VerdictRefusal;
/* Fails with the first of refusals that the report has, its count and its examples. */
CHECKED bool verdict_check(const VerdictReport *report, const VerdictRefusal *refusals,
                           size_t count, Error *err);

/* Judges one failure. Pure. */
Verdict verdict_of(const char *sqlstate, const char *statement, const char *message);
