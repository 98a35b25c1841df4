/* What the parts of project create share: the import at hand, and the steps that every kind of
 * source takes. */
#pragma once

#include "branch/context.h"
#include "branch/operation.h"

typedef struct Source Source; /* another PostgreSQL, see source.h */

typedef struct Import {
  Context *context;
  const json_t *request; /* its "source" object */
  ProjectRow project;
  BranchRow branch; /* the root */
  EndpointRow endpoint;
  OperationRow operation;
  Source *source;     /* only of kind "from" */
  char *superusers;   /* roles that were superusers before: a text[] */
  json_t *notes;      /* texts for people */
  json_t *extensions; /* per database, name to schema: wanted there before it is loaded into */
  char *database;     /* that people mean when they name none; NULL: the first one */
  char *socket_directory;
  int pid; /* of its compute, 0: not running */
  int64_t start_time;
} Import;

/* One kind of source: a row of the table in import.c. */
typedef struct ImportKind {
  const char *name;
  bool (*check)(Import *import, Error *err);   /* before anything is recorded; may be NULL */
  bool (*cluster)(Import *import, Error *err); /* makes the cluster's files in the volume */
  bool (*load)(Import *import, Error *err);    /* with the compute running */
} ImportKind;

bool import_check_sql(Import *import, Error *err);
bool import_load_sql(Import *import, Error *err);
bool import_check_sample(Import *import, Error *err);
bool import_load_sample(Import *import, Error *err);
bool import_check_from(Import *import, Error *err);
bool import_cluster_from(Import *import, Error *err);
bool import_load_from(Import *import, Error *err);
bool import_cluster_init(Import *import, Error *err);
bool import_load_empty(Import *import, Error *err);

void import_note(Import *import, const char *format, ...) PRINTF(2, 3);
void import_progress(const Import *import, const char *text, int64_t done, int64_t total);

/* Calls the agent with {"volume": the import's, ...members}; members is stolen and may be NULL. */
CHECKED bool import_call(Import *import, const char *method, json_t *members, json_t **ret,
                         Error *err);

/* Starts the compute as for a first start and waits for it; stops it, leaving a clean shutdown. */
CHECKED bool import_start(Import *import, Error *err);
CHECKED bool import_stop(Import *import, Error *err);

/* A platform session to one of its databases. */
CHECKED bool import_open(const Import *import, const char *database, Conn **ret, Error *err);

/* Makes the role that loads, with superuser rights only if asked for. */
CHECKED bool import_make_loader(Conn *conn, bool superuser, Error *err);
/* Makes roles that can't log in, for the names that are missing, and the loader a member of them.
 * roles: an object with the names as keys. Names that are reserved are left out and noted. */
CHECKED bool import_make_roles(Import *import, Conn *conn, json_t *roles, Error *err);
/* CREATE DATABASE, its owner the loader. */
CHECKED bool import_make_database(Conn *conn, const char *name, Error *err);
/* Makes the wanted extensions of a database that is about to be loaded into. */
CHECKED bool import_make_extensions(Import *import, const char *database, Error *err);

/* The databases that can be entered, an array of names; templates only if asked for. Owned. */
CHECKED bool import_list_databases(Conn *conn, bool templates, json_t **ret, Error *err);

/* Cleans what the cluster brought along and makes Bough's roles, before anything is loaded. */
CHECKED bool import_prepare(Import *import, Error *err);
/* Once the data is in: removes the loader, moves ownership, cleans. */
CHECKED bool import_finish(Import *import, Error *err);
