/* A load: SQL that several sessions run over and over, with the caller's rights, and what they and
 * a migration beside them wait for. */
#pragma once

#include "migrate/target.h"

typedef struct Load Load;

/* Connects and begins; returns once each session has run sql once, or failed to, or after some
 * seconds. target must outlive it. */
CHECKED bool load_begin(Target *target, const char *sql, Load **ret, Error *err);
/* Ends it, whatever its sessions are at, and adds to report: sessions, runs, failures, the first
 * failure's "message", slowest_ms (of one run), and waits: [{waiter, blocker: "load"|"migration"|
 * "other", mode, relation, statement, blocker_statement, waited_ms}], each pair once, with the
 * longest time that it was seen to wait. */
void load_end(Load *load, json_t *report);
void load_free(Load *load);
DEFINE_AUTO(Load *, load_free)
