/* A schema as one checksum, kept with the ledger: whether it is still what the last migration left.
 */
#pragma once

#include "migrate/target.h"

enum { SCHEMA_DIGEST_SIZE = 65 }; /* SHA-256 in hexadecimal, with \0 */

/* Of the branch's database as it is now. The order of columns counts, comments and rights too;
 * sizes and numbers don't.
 * PostgreSQL takes locks on what it describes: MIGRATION_LOCKED. */
CHECKED bool schema_digest(const Target *target, int lock_timeout_ms, char ret[SCHEMA_DIGEST_SIZE],
                           Error *err);
