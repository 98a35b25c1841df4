/* Reads the schema of the database that a connection leads to: two round trips, one snapshot.
 *
 * The connection needs no rights: only catalogs that everybody may read are looked at, no user
 * table, function or operator is touched. It must have been opened with schema_session_options.
 * Bough's own schema, what its roles were granted, and members of extensions are left out. */
#pragma once

#include "diff/model.h"
#include "pg/conn.h"

enum { SCHEMA_READ_DEPENDENCIES = 1 };

/* What the startup packet's "options" must say, so that neither the database's settings nor the
 * role's decide what is read: an unprivileged role may set all of it. */
extern const char schema_session_options[];

CHECKED bool schema_read(Conn *conn, unsigned flags, Schema **ret, Error *err);

/* Fills in size and rows of the tables and indexes among objects (others are left alone). */
CHECKED bool schema_measure(Conn *conn, Object *const *objects, size_t count, Error *err);
