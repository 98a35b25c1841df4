/* Which objects a branch had when it was forked: the base of certain rename detection later,
 * because after the fork both sides go on with the same counters.
 *
 * The record is a text: per database, in the order of their oids, a line "database OID NAME" and
 * one line per object "catalog oid attribute-number parent schema kind NAME", names as JSON
 * strings. Equal content is equal text: branches of an unchanged parent share one record. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/str.h"
#include "pg/conn.h"

enum { IDENTITY_DIGEST_SIZE = 65 }; /* SHA-256 in hexadecimal, with \0 */

/* Appends the part of the database that conn, a platform session, is connected to. */
CHECKED bool identity_read(Conn *conn, Buffer *text, Error *err);

void identity_digest(const char *text, char ret[IDENTITY_DIGEST_SIZE]);

/* Objects in a record. Anything that isn't a record as identity_read makes them is CATALOG_INVALID.
 */
CHECKED bool identity_count(const char *text, int64_t *ret, Error *err);
