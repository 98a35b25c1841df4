/* lakebase.migrations: what was run where, by whom. */
#pragma once

#include "catalog/catalog.h"

typedef struct MigrationRun {
  const BranchRow *branch;
  const char *database, *action, *version, *name, *checksum;
  const PrincipalRow *author;
  int64_t duration_ms;
  const Error *failure; /* NULL: it is done */
} MigrationRun;

CHECKED bool migration_record(Catalog *catalog, const MigrationRun *run, Error *err);
