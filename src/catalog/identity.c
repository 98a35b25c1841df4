/* Rows of lakebase.identities: records of object identities, each content once. */
#include "catalog/private.h"

bool identity_store(Catalog *catalog, const char *digest, const char *text, Error *err) {
  const char *const values[] = {digest, text};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.identities (digest, content) VALUES ($1, $2)"
                       " ON CONFLICT (digest) DO NOTHING",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool identity_load(Catalog *catalog, const char *digest, char **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, "SELECT content FROM lakebase.identities WHERE digest = $1", 1,
                     &digest, &rows, err))
    return false;
  if (rows_count(rows) == 0 || rows_get(rows, 0, 0) == NULL)
    return error_set(err, ERROR_NOTHING_TO_DO, "there is no record of identities %.80s", digest);
  *ret = str_dup(rows_get(rows, 0, 0));
  return true;
}
