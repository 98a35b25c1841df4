/* The platform's own superuser sessions to a branch: there is no other place that opens one.
 *
 * A branch is full of strangers' code, so the startup packet carries
 * search_path=pg_catalog,pg_temp, session_replication_role=replica (which keeps plain event
 * triggers and triggers out of the way; the import turns ENABLE ALWAYS and REPLICA event triggers
 * into plain ones), row_security=off, default_transaction_read_only=off, statement and lock
 * timeouts, client_encoding=UTF8 (the bytes as they are where the database
 * has no encoding), standard_conforming_strings=on, and whatever else these sessions
 * rely on: the table in platform.c. It outranks postgresql.conf, ALTER DATABASE SET and ALTER ROLE
 * SET. Statements name schemas (pg_catalog.x) and operators (OPERATOR(pg_catalog.=)) and never
 * touch user tables.
 *
 * What it can't prevent: libraries of shared_preload_libraries, which the server loaded before;
 * ENABLE ALWAYS and REPLICA triggers; what a superuser changed inside of pg_catalog; a database
 * with datallowconn = false, which nobody can enter. */
#pragma once

#include "pg/conn.h"

#define PLATFORM_ROLE "bough_platform"   /* the superuser, reachable for the control account only */
#define OWNER_ROLE "bough_owner"         /* owns what people make; nobody logs in as it */
#define WRITER_ROLE "bough_writer"       /* changes rows, makes nothing */
#define READER_ROLE "bough_reader"       /* reads; see branch/sql/rights.sql for both */
#define HOLDER_ROLE "bough_holder"       /* owns what must not be replaced; nobody is a member */
#define PROMOTION_ROLE "bough_promotion" /* what runs migrations on tiers; see migrate/carry.h */
#define IMPORT_ROLE "bough_import"       /* loads dumps; dropped after the import */
#define ROLE_PREFIX "bough_"

enum { PLATFORM_PORT = 5432 }; /* part of the socket's file name */

/* Connects to database over the socket in socket_directory, waiting up to timeout_ms for a server
 * that is still starting (it asks again every few ms). No answer until then is
 * ERROR_COMPUTE_TIMEOUT. */
CHECKED bool platform_open(const char *socket_directory, const char *database, int timeout_ms,
                           Conn **ret, Error *err);
