/* Whether two schemas are the same, without reading either: the server digests the rows of its
 * catalogs as they are (numbers, trees of expressions), which takes it less than half of the time
 * of putting them into words. Branches of one parent have the same rows until something changes.
 *
 * The digest covers every row that a reading could look at (test_digest.c holds it against
 * readings), so two databases with the same digest read the same. With different ones they may
 * still: it only ever answers "same". */
#pragma once

#include "pg/conn.h"

/* One snapshot, two round trips; needs what schema_read needs. *ret: lines "CATALOG SHA-256", owned
 * by the caller. */
CHECKED bool catalog_rows_digest(Conn *conn, char **ret, Error *err);
