/* Proxy processes whose connection was lost a moment ago: their sessions go on, so that they are
 * counted as there until it is plain that they don't come back. */
#pragma once

#include "core/json.h"

enum {
  AWAY_MS = 15 * 1000, /* a proxy that is gone for so long isn't coming back */
  BOOT_SIZE = 64,
};

typedef struct Away Away;

Away *away_new(void);
void away_free(Away *away);

/* next_report: the number that its next report of counters should have; 0: there was none. */
void away_add(Away *away, const char *boot, int64_t next_report);
/* It is back; returns what away_add was told of it, or 0. */
int64_t away_return(Away *away, const char *boot);
/* Appends the boots of those that may come back to the array. */
void away_list(const Away *away, json_t *boots);
