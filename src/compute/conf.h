/* What a compute is started with: its arguments and its three files. */
#pragma once

#include "compute/compute.h"

#define CONF_SETTINGS "postgresql.conf"
#define CONF_HBA "pg_hba.conf"
#define CONF_IDENT "pg_ident.conf"

/* The argument vector of a server: program, -D and everything that must hold whatever the cluster's
 * own files say. NULL-terminated, owned: conf_arguments_free. */
CHECKED bool conf_arguments(const Home *home, const ComputeSpec *spec, const Control *control,
                            char ***ret, Error *err);
/* The same for a lone server process: only data is looked at; database is its last argument, prefix
 * stands before each line of its log. */
char **conf_single_arguments(const Home *home, const ComputeSpec *spec, const Control *control,
                             const char *database, const char *prefix);
void conf_arguments_free(char **arguments);
DEFINE_AUTO(char **, conf_arguments_free)

/* The texts of the files, owned. */
CHECKED bool conf_settings_text(const ComputeSpec *spec, const Control *control, char **ret,
                                Error *err);
const char *conf_hba_text(void);
CHECKED bool conf_ident_text(const Home *home, const ComputeSpec *spec, char **ret, Error *err);

/* Writes all three into spec->directory. */
CHECKED bool conf_write(const Home *home, const ComputeSpec *spec, const Control *control,
                        Error *err);
