/* Writes rows of lakebase.migrations. */
#include "catalog/migration.h"

#include "catalog/private.h"
#include "catalog/row.h"

#include <stdio.h>

bool migration_record(Catalog *catalog, const MigrationRun *run, Error *err) {
  char duration[24];
  char message[512] = "";
  const char *behalf = run->author->on_behalf_of;
  (void)snprintf(duration, sizeof duration, "%lld", (long long)run->duration_ms);
  if (run->failure != NULL)
    message_copy(message, sizeof message, run->failure->message);
  const char *const values[] = {run->branch->project,
                                run->branch->id,
                                run->branch->name,
                                run->database,
                                run->action,
                                run->version,
                                run->name,
                                run->checksum,
                                run->failure != NULL ? "failed" : "done",
                                run->author->name,
                                behalf[0] != '\0' ? behalf : NULL,
                                duration,
                                message};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.migrations (project_id, branch_id, branch_name,"
                       " database, action, version, name, checksum, state, author, on_behalf_of,"
                       " duration_ms, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
                       " $12::bigint, $13)",
                       ARRAY_LENGTH(values), values, NULL, err);
}
