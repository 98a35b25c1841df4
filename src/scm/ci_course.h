/* One CI run on its way: what its steps share. Private to src/scm/ci_*.c.
 *
 * context's caller is the ci principal, whose rights everything is done with. */
#pragma once

#include "catalog/ci.h"
#include "policy/policy.h"
#include "scm/ci.h"
#include "scm/forge.h"

typedef struct CiCourse {
  Context *context;
  const ProjectRow *project;
  CiRunRow run;
  Forge *forge;
  int log;          /* -1: none */
  int64_t logged;   /* bytes */
  json_t *set;      /* migrations of what is tested, as migrate.h takes them; NULL: none */
  json_t *markdown; /* the schema diff for people, a text; NULL before it was made */
  json_t *notes;    /* texts for whoever reviews */
  bool failed;      /* a check has failed; what depends on it is skipped */
} CiCourse;
void ci_course_release(CiCourse *course);

/* Opens forge and log of a run. */
CHECKED bool ci_course_open(Context *context, const ProjectRow *project, const CiRunRow *run,
                            CiCourse *ret, Error *err);

/* ---- ci_log.c ---- */

/* Appends to the run's log; what is too much is left out, and said so once. */
void ci_log_add(CiCourse *course, const char *bytes, size_t length);
void ci_log_line(CiCourse *course, const char *format, ...) PRINTF(2, 3);
char *ci_log_path(const Context *context, const char *run); /* owned by the caller */

/* ---- ci_branch.c ---- */

/* ci-pr-N, or ci-promote-TIER: forked fresh from the tier, what an earlier run left removed. */
CHECKED bool ci_branch_make(CiCourse *course, Error *err);
/* The tier as it was forked: what the schema is compared with. */
CHECKED bool ci_branch_make_base(CiCourse *course, Error *err);
/* Takes back branches and tokens of a run; one that has none is fine. */
CHECKED bool ci_clean(Context *context, const ProjectRow *project, CiRunRow *run, Error *err);

/* ---- ci_steps.c ---- */

/* Reads the migrations of what is tested. */
CHECKED bool ci_read_migrations(CiCourse *course, Error *err);
/* All that the server does before the tests: migrations of the merge read, proved, linted and
 * applied on the run's branch. False only where it could not be found out; what was found is in
 * the checks. */
CHECKED bool ci_prepare(CiCourse *course, Error *err);
/* What the tests found: status as a program's. */
typedef struct CiTested {
  int status;
  double duration_ms;
  const char *tail; /* the end of what was said */
} CiTested;
CHECKED bool ci_record_tests(CiCourse *course, const CiTested *tested, Error *err);
/* After the tests: the schema diff. */
CHECKED bool ci_compare(CiCourse *course, Error *err);
/* A check's result. */
CHECKED bool ci_record(CiCourse *course, const char *name, const Error *failure,
                       const char *summary, double duration_ms, Error *err);

/* ---- ci_test.c ---- */

/* Whether what a run tests is a pull request's, or those of a queue: not yet in any tier. */
bool ci_is_of_change(const CiRunRow *run);
/* Whether tests that the target has are run as it has them. Not between tiers: what a tier has came
 * through its gates, also another idea of a test. policy may be NULL. */
bool ci_keeps_tests(const CiRunRow *run, const Policy *policy);
/* Runs the declared test in the merged tree, under the command account. */
CHECKED bool ci_test(CiCourse *course, Error *err);

/* ---- ci_edited.c ---- */

/* Markdown about the tests that what is tested edits or deletes; nothing where there are none. */
CHECKED bool ci_edited_tests(CiCourse *course, Buffer *ret, Error *err);

/* ---- ci_report.c ---- */

/* Tells the forge where it stands, as far as that one can be reached. */
void ci_tell(CiCourse *course, StatusState state, const char *text);
/* Ends a run that found what it was to find: takes its branch and tokens back, marks it passed or
 * failed, updates the pull request's comment. */
CHECKED bool ci_finish(CiCourse *course, Error *err);
/* Ends one that could not find it out. */
CHECKED bool ci_give_up(CiCourse *course, CiState state, const Error *failure, Error *err);

/* ---- ci_show.c ---- */

/* Whoever may use the tier in some way may look at what goes there. CI_RUN_NOT_FOUND. */
CHECKED bool ci_check_sees(Context *context, const CiRunRow *run, Error *err);

/* ---- ci_begin.c ---- */

/* Makes a queued run the caller's: the test that the policy in force declares, the merge that is to
 * be tested, a deadline. MERGE_CONFLICT, MERGE_STALE. */
CHECKED bool ci_take(Context *context, const ProjectRow *project, CiRunRow *run, bool is_server,
                     Error *err);
/* Keeps the tier as it is while the run's branch is forked from it: its database belongs to the
 * run's base then. *ret: close it to let go; -1 where the forge's tier moves without us. CANCELLED
 * where the tier is at another commit. */
CHECKED bool ci_hold_base(CiCourse *course, int *ret, Error *err);
/* Whether it still is what is proposed, and nobody gave it up: CANCELLED. */
CHECKED bool ci_check_current(CiCourse *course, Error *err);
