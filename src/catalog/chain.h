/* The audit's chain: each row's hash covers the row and the hash before it (docs/audit.md).
 *
 *   hash = SHA-256(prev_hash, seq, sealed_at, and each column of the row with its length)
 *
 * One sealer at a time gives decided rows their places, in the order of their transactions; whoever
 * writes rows knows nothing of it. The walk reads it all again and names what doesn't fit. */
#pragma once

#include "catalog/catalog.h"

enum { HASH_SIZE = 32, HASH_TEXT_SIZE = 2 * HASH_SIZE + 1, SIGNATURE_SIZE = 64, STAMP_SIZE = 40 };

/* Puts up to a batch of rows into the chain; *ret_count of them, 0 when none was left. */
CHECKED bool chain_seal(Catalog *catalog, size_t *ret_count, Error *err);

/* A signed head: of the catalog's own, or anchored outside. */
typedef struct ChainHead {
  char reason[16]; /* "schedule", "partition" */
  char day[16];    /* that was dropped, 2026-11-22; "" for none */
  int64_t seq;
  char hash[HASH_TEXT_SIZE];
  char signed_at[STAMP_SIZE];
  char key[24];
  unsigned char signature[SIGNATURE_SIZE];
} ChainHead;

/* The newest place, not signed; seq 0 when there is none. */
CHECKED bool chain_last(Catalog *catalog, ChainHead *ret, Error *err);
/* Whether the chain has grown since the last signed head, which is so many seconds old. */
CHECKED bool chain_anchor_is_due(Catalog *catalog, int64_t now_us, int64_t seconds, bool *ret,
                                 Error *err);
/* The last entry sealed on that day or before; seq 0 likewise. */
CHECKED bool chain_last_of_day(Catalog *catalog, const char *day, ChainHead *ret, Error *err);
CHECKED bool chain_head_insert(Catalog *catalog, const ChainHead *head, Error *err);
/* The signed heads, the newest first; mem_free. */
CHECKED bool chain_heads(Catalog *catalog, size_t limit, ChainHead **ret, size_t *ret_count,
                         Error *err);
/* The last one that ended a day; *ret_found. */
CHECKED bool chain_dropped(Catalog *catalog, ChainHead *ret, bool *ret_found, Error *err);

/* ---- days, "2026-11-22", in UTC ---- */

/* Makes the partitions of yesterday to a week from now; now: microseconds since 1970. */
CHECKED bool chain_add_days(Catalog *catalog, int64_t now_us, size_t *ret_count, Error *err);
/* The oldest day if it is past keeping; *ret_found. */
CHECKED bool chain_day_to_drop(Catalog *catalog, int64_t now_us, int64_t keep_seconds,
                               char ret_day[16], bool *ret_found, Error *err);
/* Its end must be signed and stored. BUSY while somebody reads. */
CHECKED bool chain_drop_day(Catalog *catalog, const char *day, Error *err);
/* For how long the policies in force want the audit kept: the longest wins; 0 when none says. */
CHECKED bool chain_keep_seconds(Catalog *catalog, int64_t *ret, Error *err);

/* ---- the walk ---- */

/* What is known of the chain from elsewhere. */
typedef struct ChainMark {
  int64_t seq;
  char hash[HASH_TEXT_SIZE];
  const char *from; /* for messages: "the anchor of 2026-11-22 ..."; borrowed */
} ChainMark;

enum { FINDINGS_LIMIT = 100 };

typedef struct ChainReport {
  int64_t checked; /* entries */
  int64_t first;   /* their places; 0: none */
  int64_t last;
  int64_t unsealed;  /* rows that were written a moment ago */
  int64_t findings;  /* all of them, of which list holds FINDINGS_LIMIT */
  json_t *list;      /* [{kind, seq, event_id, event_time, text}]; owned */
  ChainHead dropped; /* from where the walk began; seq 0: from the beginning */
} ChainReport;
void chain_report_release(ChainReport *report);
void chain_report_add(ChainReport *report, const char *kind, int64_t seq, const char *format, ...)
    PRINTF(4, 5);

/* Walks the chain as it is in one snapshot, and holds it against marks, which it sorts. */
CHECKED bool chain_walk(Catalog *catalog, ChainMark *marks, size_t mark_count, ChainReport *ret,
                        Error *err);
