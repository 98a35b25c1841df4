/* Extensions that take a superuser to create, made for a migration that asks for them: those that
 * the policy declares.
 *
 * The platform makes one before the migration is run, whose own CREATE EXTENSION IF NOT EXISTS then
 * finds it there. Its script runs in a schema that is new and the platform's alone, so that nothing
 * of the database's can stand in for what the script means; then it is moved to where it is wanted.
 * For that it must need no other extension and no schema of a fixed name. As with PostgreSQL's
 * trusted extensions what it brings along stays the superuser's, and the extension is the owner's,
 * who may drop it. */
#pragma once

#include "migrate/steps.h"
#include "migrate/target.h"
#include "pg/conn.h"

/* conn: a platform session to the target's database. Appends to withdrawal the statements that take
 * away what was made, also after a failure. FORBIDDEN for one that isn't declared;
 * MIGRATION_INVALID for one that can't be made so. */
CHECKED bool extensions_provide(const Target *target, Conn *conn, const Steps *steps,
                                const char *file, Buffer *withdrawal, Error *err);
