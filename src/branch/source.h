/* Another PostgreSQL that is to become a project: how to reach it, and what stands in the way of
 * copying it, found out before anything is copied. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"
#include "core/json.h"
#include "pg/conn.h"

enum { SOURCE_MAJOR = 15 }; /* the PostgreSQL of branches here */

typedef struct Source {
  json_t *settings; /* of the connection string, without secrets */
  char *password;   /* NULL: none */
  int version;      /* 150020 for 15.20 */
  json_t *facts; /* of sql/source.sql; each open database has those of source_database.sql, too */
  int64_t size;  /* bytes of its databases */
} Source;

typedef enum SourceMethod { SOURCE_BASEBACKUP, SOURCE_DUMP } SourceMethod;

/* Connects and looks around. A connection string that holds a password, or names files or sockets
 * that this machine's services would be tricked into using, is refused. user: for strings that name
 * none. Sessions by source_conninfo end soon after their client where the server can see to it. */
CHECKED bool source_open(const Home *home, const char *conninfo, const char *password,
                         const char *user, Source **ret, Error *err);
void source_free(Source *source);
DEFINE_AUTO(Source *, source_free)

/* Why it can't be copied by pg_basebackup: one text, owned by the caller, or NULL. Tries a
 * replication connection, so that what pg_hba.conf says counts, too. */
char *source_basebackup_obstacle(const Source *source);

/* Refuses what can't be copied by that method here: libraries that aren't installed, databases and
 * tables that can't be read, names that are ours. */
CHECKED bool source_check(const Home *home, const Source *source, SourceMethod method, Error *err);

/* The connection string for a program of PostgreSQL, without the password; database NULL: as given.
 * Owned. */
char *source_conninfo(const Source *source, const char *database);

/* The names of its superusers as an array in PostgreSQL's notation. Owned. */
char *source_superusers(const Source *source);
