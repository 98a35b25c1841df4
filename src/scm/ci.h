/* Continuous integration: a run proves one commit on one base, and nothing else.
 *
 * A run is about a pull request (its live head merged into the live commit of its target tier), or
 * about the promotion of one tier to the next. What is run comes from the policy in force and from
 * the server's own repository, never from what is proposed: branch ci-pr-N, forked from the tier's
 * branch as it is now, migrations verified, linted and applied, the declared test, the schema diff.
 * Its results are rows that only the run itself can write: by the built-in runner inside the
 * server, or by the run's own token, which is issued to it when it begins and dies with it.
 *
 * JSON as in docs/api.md out, owned by the caller. */
#pragma once

#include "branch/context.h"

/* What is proved. All borrowed. */
typedef struct CiSubject {
  int64_t number;     /* of the pull request; 0: a promotion */
  const char *source; /* the git branch that is proposed; of a promotion the tier */
  const char *tier;   /* where it is to go */
  const char *head;   /* commit of source */
  const char *base;   /* commit of the tier's git branch */
} CiSubject;

/* ---- for gates ---- */

/* Names of the checks ("ci", "schema-diff") that passed for exactly that head on exactly that base,
 * by the last run of it, with the test that the policy in force declares: an array, empty where
 * there is none. */
CHECKED bool ci_passed(Context *context, const ProjectRow *project, const CiSubject *subject,
                       json_t **ret, Error *err);

/* How far it is: {"state": "none"|"queued"|"running"|"passed"|"failed"|"cancelled"|"lost", "run",
 * "url", "checks": [{name, state, summary, duration_ms}], "error"}: of the last run for exactly
 * that head and base. Anybody who sees the project may ask. */
CHECKED bool ci_state(Context *context, const ProjectRow *project, const CiSubject *subject,
                      json_t **ret, Error *err);

/* An artifact of the last passed run for that head and base: {"name", "digest", "content"}; *ret
 * is NULL where there is none. name: "schema-diff.json", "schema-diff.md", "verify.json". */
CHECKED bool ci_artifact(Context *context, const ProjectRow *project, const CiSubject *subject,
                         const char *name, json_t **ret, Error *err);

/* Asks the built-in runner for a run unless there is one for that head and base that is queued,
 * runs or has ended. Earlier ones of the same subject that are queued or run are given up. Not
 * asked for by a principal: who opens a pull request, pushes to it or promotes has been asked. */
CHECKED bool ci_request(Context *context, const ProjectRow *project, const CiSubject *subject,
                        Error *err);
