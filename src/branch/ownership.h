/* Who owns what after an import (design: who is who inside a branch). Tables, sequences, views,
 * types, schemas and plain functions go to bough_owner, as whom people work. What could act with
 * the rights of whoever uses it, or what only a superuser could make, goes to bough_holder, which
 * nobody is a member of. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "pg/conn.h"

/* Moves the objects of the database that conn, a platform session, is connected to. superusers:
 * names of the roles that were superusers where the database comes from, as an array in
 * PostgreSQL's notation
 * ("{postgres}"); functions that run with their definer's rights stay out of reach if those were
 * theirs. Appends what bough_holder got to notes. Idempotent. */
CHECKED bool ownership_move(Conn *conn, const char *superusers, json_t *notes, Error *err);
