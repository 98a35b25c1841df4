/* What a statement leaves behind that can't be taken back by a transaction. */
#pragma once

#include "pg/conn.h"
#include "sql/sql.h"

/* Drops the invalid index that an earlier attempt of this CREATE INDEX CONCURRENTLY left. was_cut:
 * nobody saw the end of that attempt, so *ret_done tells whether it came to its end after all. */
CHECKED bool leftover_clear(Conn *conn, const SqlPart *part, bool was_cut, bool *ret_done,
                            Error *err);
