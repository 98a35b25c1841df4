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
#include "git/git.h"

/* The artifact that names the version of the migration that didn't hold, where one didn't. */
#define CI_FAILED_MIGRATION "failed-migration.txt"

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

/* The same of one run, whichever it is. */
CHECKED bool ci_passed_by(Context *context, const ProjectRow *project, const char *run,
                          json_t **ret, Error *err);

/* The base on which that head was tested last, or is being tested: subject's own where it never
 * was, or the run came to nothing. */
CHECKED bool ci_tested_base(Context *context, const ProjectRow *project, const CiSubject *subject,
                            char ret[GIT_OID_SIZE], Error *err);

/* How far it is: {"state": "none"|"queued"|"running"|"passed"|"failed"|"cancelled"|"lost", "run",
 * "url", "checks": [{name, state, summary, duration_ms}], "error"}: of the last run for exactly
 * that head and base. Anybody who sees the project may ask. */
CHECKED bool ci_state(Context *context, const ProjectRow *project, const CiSubject *subject,
                      json_t **ret, Error *err);

/* ---- the built-in runner: jobs of boughd's own ---- */

/* Runs one that waits, if there is one, as the project's ci principal: of_queues: what the queues
 * of tiers want tested, for which nobody else's tests are waited for; else all the rest.
 * {"more", "events"}. */
CHECKED bool ci_serve(Context *context, bool of_queues, json_t **ret, Error *err);
/* Asks for runs of what is proposed now, and clears away after those that were killed or took too
 * long. {"events"}. */
CHECKED bool ci_look(Context *context, json_t **ret, Error *err);

/* Asks the built-in runner for a run of what is proposed now, and answers as ci_show: what `bough
 * ci run` does. body: {pull, or the tiers from and to}. */
CHECKED bool ci_ask(Context *context, const ProjectRow *project, const json_t *body, json_t **ret,
                    Error *err);

/* ---- another runner: `bough ci run --here` ---- */

/* body: {pull, or the tiers from and to}. Begins a run for the caller, who must be a ci principal,
 * and prepares its branch: {"run", "token", "checks", "failed", "connection": {host, port, user,
 * password, database, url}, "test", "head", "base", "tree"}: the token is for its results alone,
 * the password for its branch alone. */
CHECKED bool ci_begin(Context *context, const ProjectRow *project, const json_t *body, json_t **ret,
                      Error *err);
/* body: {status, duration_ms, output?}: what the declared test found, by the run's own token. Ends
 * the run: as ci_show. */
CHECKED bool ci_end(Context *context, const ProjectRow *project, const char *run,
                    const json_t *body, json_t **ret, Error *err);
/* Gives a run up, by a ci principal who may begin one, or by its own token. */
CHECKED bool ci_cancel(Context *context, const ProjectRow *project, const char *run, json_t **ret,
                       Error *err);

/* Gives up the runs of other runners whose commit or base isn't the live one any more, by whoever
 * may begin one: {"given_up": [run]}. */
CHECKED bool ci_tidy(Context *context, const ProjectRow *project, json_t **ret, Error *err);

/* ---- for people: who may use the tier, or the proposed branch ---- */

/* {"runs":[...]}, the newest first; pull < 0: of all. */
CHECKED bool ci_list(Context *context, const ProjectRow *project, int64_t pull, json_t **ret,
                     Error *err);
/* wanted: a run's id, or the number of a pull request for its last run. */
CHECKED bool ci_show(Context *context, const ProjectRow *project, const char *wanted, json_t **ret,
                     Error *err);
/* {"text", "next", "done", "run"}: what the log has from offset on, at most some of it at once. */
CHECKED bool ci_log(Context *context, const ProjectRow *project, const char *wanted, int64_t offset,
                    json_t **ret, Error *err);
/* {"name", "digest", "content"} of a run. NOTHING_TO_DO. */
CHECKED bool ci_read_artifact(Context *context, const ProjectRow *project, const char *wanted,
                              const char *name, json_t **ret, Error *err);

/* ---- asking ---- */

/* Asks the built-in runner for a run unless there is one for that head and base that is queued,
 * runs or has ended. Earlier ones of the same subject that are queued or run are given up. Not
 * asked for by a principal: who opens a pull request, pushes to it or promotes has been asked. */
CHECKED bool ci_request(Context *context, const ProjectRow *project, const CiSubject *subject,
                        Error *err);
/* The same unless that head was tested, or is going to be, on whichever base: another merge into
 * the tier is no reason to test all others again. */
CHECKED bool ci_request_head(Context *context, const ProjectRow *project, const CiSubject *subject,
                             Error *err);
