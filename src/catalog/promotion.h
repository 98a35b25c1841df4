/* What was taken into tiers, and back: lakebase.promotions, and what a promotion relies on: the
 * texts of changes, their schema diffs, approvals, snapshots. Times are microseconds since 1970, 0
 * for none. */
#pragma once

#include "catalog/catalog.h"

enum { PROMOTION_DIGEST_SIZE = 65, PROMOTION_COMMIT_SIZE = 65 };

typedef enum PromotionState {
  PROMOTION_OPEN, /* asked for, and a gate was shut */
  PROMOTION_RUNNING,
  PROMOTION_DONE,
  PROMOTION_FAILED,  /* the tier is as before */
  PROMOTION_STOPPED, /* half-way: the next attempt goes on with it */
  PROMOTION_UNDONE,  /* the tier was rolled back behind it */
} PromotionState;
const char *promotion_state_text(PromotionState state);

typedef struct PromotionRow {
  char id[ID_SIZE]; /* pm-... */
  char project[ID_SIZE];
  char from_name[NAME_MAX_LENGTH + 1]; /* tier, or kind of branch, as the policy calls it */
  char to_tier[NAME_MAX_LENGTH + 1];
  char source[ID_SIZE]; /* branches */
  char source_name[NAME_MAX_LENGTH + 1];
  char target[ID_SIZE];
  int64_t pull; /* -1: none */
  char head[PROMOTION_COMMIT_SIZE];
  char base[PROMOTION_COMMIT_SIZE];
  char merge_commit[PROMOTION_COMMIT_SIZE];
  char change[PROMOTION_DIGEST_SIZE]; /* of the migrations' texts: see promotion_text_store */
  char diff[PROMOTION_DIGEST_SIZE];   /* of what they do; "": not known yet */
  PromotionState state;
  char step[32];          /* the last one that is behind it */
  char snapshot[ID_SIZE]; /* branch; "": none yet */
  char operation[ID_SIZE];
  char requested_by[NAME_MAX_LENGTH + 1];
  char promoted_by[NAME_MAX_LENGTH + 1];
  int64_t created_at, started_at, finished_at;
  char error[512];
  json_t *details; /* {approved_by, checks, versions, digests}; owned */
} PromotionRow;
void promotion_row_release(PromotionRow *row);

CHECKED bool promotion_insert(Catalog *catalog, const PromotionRow *row, Error *err);
CHECKED bool promotion_update(Catalog *catalog, const PromotionRow *row, Error *err);
/* The same of one that waits still: what somebody carries out, or has ended, is left alone. */
CHECKED bool promotion_update_open(Catalog *catalog, const PromotionRow *row, Error *err);
CHECKED bool promotion_get(Catalog *catalog, const char *id, PromotionRow *ret, Error *err);
/* The one that waits, runs or stopped half-way for that source and tier; *ret_found. */
CHECKED bool promotion_find_open(Catalog *catalog, const char *source, const char *to_tier,
                                 PromotionRow *ret, bool *ret_found, Error *err);
/* The one that runs or stopped half-way for that source, into whatever tier; *ret_found. */
CHECKED bool promotion_find_begun(Catalog *catalog, const char *source, PromotionRow *ret,
                                  bool *ret_found, Error *err);
/* The one that stopped half-way in that tier; there is one at most. *ret_found. */
CHECKED bool promotion_find_stopped(Catalog *catalog, const char *project, const char *to_tier,
                                    PromotionRow *ret, bool *ret_found, Error *err);
/* Whether one into that tier has touched it and hasn't ended: it runs, its worker was killed, or it
 * stopped. */
CHECKED bool promotion_is_half_way(Catalog *catalog, const char *project, const char *to_tier,
                                   bool *ret, Error *err);
/* Of an operation; NOTHING_TO_DO. */
CHECKED bool promotion_of_operation(Catalog *catalog, const char *operation, PromotionRow *ret,
                                    Error *err);
/* The newest into that tier that is done, and whose snapshot is kept; *ret_found. */
CHECKED bool promotion_find_last(Catalog *catalog, const char *project, const char *to_tier,
                                 PromotionRow *ret, bool *ret_found, Error *err);
/* Newest first; tier NULL: of all. *ret: promotion_rows_free. */
CHECKED bool promotion_rows(Catalog *catalog, const char *project, const char *tier, size_t limit,
                            PromotionRow **ret, size_t *ret_count, Error *err);
void promotion_rows_free(PromotionRow *rows, size_t count);

/* ---- changes: the migrations' texts as one text, kept once per content ---- */

CHECKED bool promotion_text_store(Catalog *catalog, const char *digest, const char *text,
                                  Error *err);
/* Owned by the caller. CATALOG_INVALID when it isn't there. */
CHECKED bool promotion_text_load(Catalog *catalog, const char *digest, char **ret, Error *err);

/* ---- schema diffs: one per source and tier, the last one measured ---- */

typedef struct SchemaDiffRow {
  char change[PROMOTION_DIGEST_SIZE]; /* that was measured */
  char base[PROMOTION_DIGEST_SIZE];   /* of the tier's schemas that it was measured on */
  char digest[PROMOTION_DIGEST_SIZE]; /* of content */
  bool rights;                        /* who may do what changes */
  char *content;                      /* SQL; owned */
  char *markdown;                     /* owned */
  char measured_by[NAME_MAX_LENGTH + 1];
  int64_t measured_at;
} SchemaDiffRow;
void schema_diff_row_release(SchemaDiffRow *row);
CHECKED bool schema_diff_store(Catalog *catalog, const char *project, const char *source,
                               const char *to_tier, const SchemaDiffRow *row, Error *err);
CHECKED bool schema_diff_load(Catalog *catalog, const char *source, const char *to_tier,
                              SchemaDiffRow *ret, bool *ret_found, Error *err);

/* ---- approvals of promotions between tiers ---- */

/* Counts for that change with that diff alone; again is fine. */
CHECKED bool promotion_approve(Catalog *catalog, const PromotionRow *row,
                               const PrincipalRow *approver, Error *err);
/* Names of those, an array owned by the caller. */
CHECKED bool promotion_approvers(Catalog *catalog, const PromotionRow *row, json_t **ret,
                                 Error *err);

/* ---- snapshots ---- */

typedef struct SnapshotRow {
  char branch[ID_SIZE];
  char name[NAME_MAX_LENGTH + 1]; /* read only */
  char project[ID_SIZE];
  char tier[NAME_MAX_LENGTH + 1];
  char source[ID_SIZE];    /* branch that stood for the tier then */
  char volume[ID_SIZE];    /* of it */
  char promotion[ID_SIZE]; /* before which it was taken, or which a rollback left behind */
  bool is_abandoned;       /* by a rollback: what stood for the tier until then */
  int64_t taken_at;
} SnapshotRow;
CHECKED bool snapshot_insert(Catalog *catalog, const SnapshotRow *row, Error *err);
/* The one whose branch has that name and is there, of that tier; *ret_found. */
CHECKED bool snapshot_find(Catalog *catalog, const char *project, const char *tier,
                           const char *name, SnapshotRow *ret, bool *ret_found, Error *err);
/* Promotions into the tier that came with that snapshot's or later are undone now. */
CHECKED bool promotion_set_undone(Catalog *catalog, const char *promotion, Error *err);
/* Taken back: those are done again. */
CHECKED bool promotion_set_redone(Catalog *catalog, const char *promotion, Error *err);
