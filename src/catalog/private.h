/* What the files of this folder share: statements on the catalog's connection. */
#pragma once

#include "catalog/catalog.h"

/* One prepared statement. Outside of a transaction a lost connection is made anew before it; one
 * that is lost meanwhile is ERROR_CATALOG_DOWN. ret may be NULL. */
CHECKED bool catalog_query(Catalog *catalog, const char *sql, size_t count,
                           const char *const *values, Rows **ret, Error *err);

/* The unique constraint or index that the last failed statement violated, "" for other failures. */
const char *catalog_violated(Catalog *catalog);
