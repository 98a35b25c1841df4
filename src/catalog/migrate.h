/* The schema of the catalog and its numbered files. */
#pragma once

#include "pg/conn.h"

/* A session whose settings are ours, whatever the database says. ERROR_CATALOG_DOWN. */
CHECKED bool catalog_connect(const char *conninfo, Conn **ret, Error *err);

/* Whether the schema is the one that this build knows; ERROR_UNSUPPORTED. */
CHECKED bool catalog_check_version(Conn *conn, Error *err);

/* Gives the auditor's role what of this schema it may read. */
CHECKED bool catalog_grant_auditor(const char *conninfo, Error *err);
