/* Taking a change into a tier: what `bough scm merge` does with a feature, and `bough promote` with
 * a whole tier.
 *
 * Steps, in this order: the gates are read; a snapshot of the tier is taken; the migrations are run
 * on a copy of that snapshot, which tells what they do to the schema and to rights; the gates are
 * read again while nobody can apply another policy; the migrations are run on the tier by the
 * promotion's own role, and read back from its ledger; then git moves; then all of it is on record.
 * Until the migrations are run on the tier a failure leaves nothing; behind that point a promotion
 * that was killed is finished by promote_continue, and one that fails is taken back by the
 * migrations' own undo. Only what can't be taken back either leaves it "stopped".
 *
 * Evidence comes from the catalog and the forge alone. Answers are owned by the caller. */
#pragma once

#include "branch/context.h"

enum { PROMOTE_VERSION_SIZE = 201 };

typedef struct PromoteRequest {
  const char *from;          /* a feature (or other work branch) by name, or a tier */
  const char *to;            /* a tier */
  int64_t pull;              /* the pull request whose reviews and commits count; 0: none */
  const char *expected_head; /* of it, that the caller looked at; NULL: the live one. MERGE_STALE */
  bool dry_run;              /* the gates alone */
} PromoteRequest;

/* Measures what the change would do to the tier as it is now, on a copy of it that is thrown away,
 * and keeps that as the change's schema diff: the check "schema-diff" is passed by having one that
 * is current. For prepare-pr, CI, and whoever asks for a promotion.
 * Of the request from, to and expected_head count: the commit, if there is one, that has to have
 * the same migrations (DB_AHEAD_OF_CODE, MIGRATION_EDITED, MIGRATIONS_PENDING). {digest, change,
 * migrations:[{version,name,checksum,database}], sql, markdown, same, rights}: change names the
 * migrations' texts, digest what they do; rights: who may do what changes. */
CHECKED bool promote_measure(Context *context, const ProjectRow *project,
                             const PromoteRequest *request, json_t **ret, Error *err);

/* Does it. {promotion, from, to, state, gates:[{gate, ok, message}], migrations, snapshot,
 * snapshot_expires_at, merge_commit?, migrated_at, duration_ms}. FORBIDDEN names the gate that is
 * shut; nothing has happened then, and the request stays open for somebody who may. With dry_run
 * the answer tells of each gate, and nothing is an error that a gate says. */
CHECKED bool promote_change(Context *context, const ProjectRow *project,
                            const PromoteRequest *request, json_t **ret, Error *err);

/* Takes back what a promotion from that branch into the tier brought there before it stopped
 * half-way, by the migrations' own undo; asks for the right to promote. NOTHING_TO_DO where none
 * stopped, BAD_PRECONDITION where git has it already. {promotion, from, to, state}. */
CHECKED bool promote_undo(Context *context, const ProjectRow *project, const char *branch_id,
                          const char *to, json_t **ret, Error *err);
/* Whether one runs from that branch, or stopped half-way. */
CHECKED bool promote_is_begun(Context *context, const char *branch_id, const char *to, bool *ret,
                              Error *err);
/* Whether a pull request's change could be merged if CI had passed for the tier as it is: every
 * other gate is asked, as promote_change does. ret_version: the lowest version of its migrations,
 * "" where it has none. */
CHECKED bool promote_ready(Context *context, const ProjectRow *project,
                           const PromoteRequest *request, char ret_version[PROMOTE_VERSION_SIZE],
                           Error *err);

/* Approves the very state that a promotion between two tiers would bring now; asks for
 * promote.approve. Those of pull requests are given in the forge. */
CHECKED bool promote_approve(Context *context, const ProjectRow *project, const char *from,
                             const char *to, json_t **ret, Error *err);

/* {promotions:[{promotion, from, to, branch, pull?, state, step, migrations, approved_by,
 * snapshot?, merge_commit?, requested_by, promoted_by, created_at, finished_at, error}]}, the
 * newest first. tier: into that one; NULL: of the project. */
CHECKED bool promote_list(Context *context, const ProjectRow *project, const char *tier,
                          json_t **ret, Error *err);

/* Finishes what a killed worker left half-way; for the server. *ret_events: what to log. */
CHECKED bool promote_continue(Context *context, json_t **ret_events, Error *err);
