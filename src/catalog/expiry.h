/* The end of branches, schedules, and messages to the outside: columns of lakebase.branches that
 * only the reaper writes, lakebase.reaper, lakebase.schedules, lakebase.webhooks. Times are
 * microseconds since 1970; now is the caller's wall clock. */
#pragma once

#include "catalog/catalog.h"

/* ---- the end of branches ---- */

/* Gives a branch another end (0: none); whether it was announced is forgotten. */
CHECKED bool expiry_set(Catalog *catalog, const char *branch, int64_t expires_at, Error *err);

/* Live branches whose end is near and not yet announced: a day before, or when a quarter of their
 * time is left, whatever is later. Never protected ones, roots, or tiers. The soonest first. */
CHECKED bool expiry_list_near(Catalog *catalog, int64_t now, size_t limit, BranchRow **ret,
                              size_t *ret_count, Error *err);
/* Announced; *ret_first is false when it was already, or its end was moved. */
CHECKED bool expiry_set_warned(Catalog *catalog, const BranchRow *branch, int64_t now,
                               bool *ret_first, Error *err);

typedef struct ExpiryDue {
  char branch[ID_SIZE];
  bool has_children; /* it can't go yet, but must be closed */
} ExpiryDue;
/* What is to be done now, in turns between projects and creators, so that nobody's thousand
 * branches keep another's waiting; those that failed a moment ago are left out. */
CHECKED bool expiry_list_due(Catalog *catalog, int64_t now, size_t limit, ExpiryDue **ret,
                             size_t *ret_count, Error *err);
CHECKED bool expiry_has_children(Catalog *catalog, const char *branch, bool *ret, Error *err);
/* It isn't tried again for a while. */
CHECKED bool expiry_postpone(Catalog *catalog, const char *branch, int64_t until, Error *err);

/* ---- branches that go with a process ---- */

typedef struct ExpiryMaker {
  char branch[ID_SIZE];
  int pid;
  int64_t start; /* see core/process.h */
} ExpiryMaker;
/* From now on, or until pid is 0, that process is who throws the branch away. */
CHECKED bool expiry_set_maker(Catalog *catalog, const ExpiryMaker *maker, Error *err);
/* Of live branches whose time isn't over yet. */
CHECKED bool expiry_list_made(Catalog *catalog, int64_t now, ExpiryMaker **ret, size_t *ret_count,
                              Error *err);

/* ---- the reaper's clock ---- */

enum { BOOT_ID_SIZE = 64 };

typedef struct ReaperRow {
  char boot[BOOT_ID_SIZE]; /* of the machine; "" when there was no look yet */
  int64_t boottime_us;     /* at the last look */
  int64_t wall_us;
  int64_t held_until_us; /* by the machine's boot time; 0: not held */
  int64_t jump_us;       /* the last one */
  int64_t jumped_at;
} ReaperRow;
/* In a transaction the row is locked until its end. */
CHECKED bool reaper_get(Catalog *catalog, ReaperRow *ret, Error *err);
CHECKED bool reaper_set(Catalog *catalog, const ReaperRow *row, Error *err);

/* ---- messages ---- */

typedef struct WebhookRow {
  int64_t id;
  char event[64];
  json_t *body;
  int64_t created_at;
  int attempts;
} WebhookRow;
void webhook_row_release(WebhookRow *row);
CHECKED bool webhook_insert(Catalog *catalog, const char *event, const json_t *body, Error *err);
/* The one that is due first; *ret_found. */
CHECKED bool webhook_next(Catalog *catalog, int64_t now, WebhookRow *ret, bool *ret_found,
                          Error *err);
/* After an attempt: failure NULL, it was taken; again_at 0, it is given up. */
CHECKED bool webhook_tried(Catalog *catalog, int64_t id, const Error *failure, int64_t again_at,
                           Error *err);
/* Forgets what was finished before that time; *ret_given_up counts what is left of those that
 * nobody took. */
CHECKED bool webhook_sweep(Catalog *catalog, int64_t before, Error *err);
CHECKED bool webhook_count_given_up(Catalog *catalog, int64_t *ret, Error *err);
