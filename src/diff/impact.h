/* What a change costs whoever has data: what is lost, which tables are written anew, which locks
 * are held while that lasts. By PostgreSQL 15's rules; a table of them stands in impact.c. */
#pragma once

#include "diff/compare.h"

enum {                         /* effects */
       IMPACT_DESTRUCTIVE = 1, /* data is gone, or can't be kept as it is */
       IMPACT_REWRITE = 2,     /* a table is written anew as a whole */
       IMPACT_LOCK = 4,        /* others wait while a table is read or an index built */
};

typedef struct Impact {
  unsigned effects;
  const char *lock;      /* "ACCESS EXCLUSIVE"; NULL: none worth telling */
  const char *reason;    /* one line, without names */
  const Object *subject; /* the table concerned, as it is before; NULL: there is none yet */
} Impact;

enum { IMPACT_LIMIT = 8 }; /* of one change */

/* Returns how many there are. */
size_t impact_of(const Diff *diff, const Change *change, Impact ret[IMPACT_LIMIT]);

/* The tables of before whose sizes matter for some change, each once: for schema_measure. Freed
 * with mem_free. */
Object **impact_subjects(const Diff *diff, size_t *ret_count);
