/* Extensions that take a superuser to create and give nobody a way to more rights: a load that
 * needs them finds them there, made by the platform while the database was still empty, so that
 * there was nothing in it that could have hijacked their scripts. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "pg/conn.h"

bool extension_is_safe(const char *name);

/* Makes those of wanted (an object, name to schema) that are safe, if the database that conn, a
 * platform session, is connected to is empty. owner: of schemas that are missing. Appends to notes
 * what it made. */
CHECKED bool extension_make(Conn *conn, const json_t *wanted, const char *owner, json_t *notes,
                            Error *err);

/* Whether a database has no object that initdb didn't put there. */
CHECKED bool database_is_empty(Conn *conn, bool *ret, Error *err);
