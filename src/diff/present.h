/* Inside of the reading: which kinds of objects a database has none of. */
#pragma once

#include "diff/model.h"
#include "pg/conn.h"

/* Begins a read-only transaction with one snapshot and looks; one round trip. */
CHECKED bool present_begin(Conn *conn, bool ret_absent[KIND_COUNT], Error *err);

/* Appends the text of sql/NAME.sql and a semicolon; the name's case doesn't count. */
void present_add_file(Buffer *sql, const char *name);
