/* What the parts of carry share. Private to src/migrate/carry*.c. */
#pragma once

#include "migrate/carry.h"

enum { CARRY_LOCK_TIMEOUT_MS = 5000 };

/* A database of one of the two, as the role that migrations are carried by; wakes the branch. */
CHECKED bool carry_open_side(const Carry *carry, const BranchRow *branch, const char *database,
                             Target *ret, Error *err);

/* Sets or removes "rights" of an item, by its "up" and its "undo". MIGRATION_LEDGER: no text. */
CHECKED bool carry_note_rights(json_t *item, Error *err);
