/* What the files of this folder share: statements on the catalog's connection. */
#pragma once

#include "catalog/catalog.h"

/* One prepared statement. Outside of a transaction a lost connection is made anew before it; one
 * that is lost meanwhile is ERROR_CATALOG_DOWN. ret may be NULL. */
CHECKED bool catalog_query(Catalog *catalog, const char *sql, size_t count,
                           const char *const *values, Rows **ret, Error *err);

/* A parameter that is a time: microseconds since 1970. */
#define CATALOG_TIME(parameter)                                                                    \
  "('epoch'::timestamptz + " parameter "::bigint * interval '1 microsecond')"

/* A number as a parameter's text. */
enum { CATALOG_NUMBER_SIZE = 24 };
void catalog_number(char ret[CATALOG_NUMBER_SIZE], int64_t number);

/* The unique constraint or index that the last failed statement violated, "" for other failures. */
const char *catalog_violated(Catalog *catalog);
