/* Makes a principal of whoever ran the first bough up. */
#include "catalog/owner.h"

#include "catalog/catalog.h"

#include <ctype.h>
#include <stdio.h>

/* A system's names may be what Bough's can't: "Ann.Lee" becomes "ann-lee", "_apt" "u-apt". */
static void principal_name(const char *account, char ret[NAME_MAX_LENGTH + 1]) {
  size_t used = 0;
  int first = tolower((unsigned char)account[0]);
  if (first < 'a' || first > 'z')
    ret[used++] = 'u';
  for (; *account != '\0' && used < NAME_MAX_LENGTH; account++) {
    char c = (char)tolower((unsigned char)*account);
    bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    ret[used++] = allowed ? c : '-';
  }
  ret[used] = '\0';
}

static bool has_owner(Catalog *catalog, const Home *home, bool *ret, Error *err) {
  PrincipalRow row;
  Error failure = ERROR_INIT;
  *ret = principal_by_uid(catalog, (int64_t)home->owner_uid, &row, &failure);
  if (*ret || failure.code == ERROR_PRINCIPAL_NOT_FOUND)
    return true;
  return error_set(err, failure.code, "%s", failure.message);
}

static bool insert_owner(Catalog *catalog, const Home *home, const char *name, Error *err) {
  PrincipalRow row = {.type = "human", .os_uid = (int64_t)home->owner_uid, .is_platform = true};
  id_new("pri", row.id);
  (void)snprintf(row.name, sizeof row.name, "%s", name);
  return principal_insert(catalog, &row, err);
}

/* The first name may be somebody else's; or a killed predecessor's insert was still under way. */
bool catalog_add_owner(const Home *home, const char *conninfo, Error *err) {
  AUTO(catalog_free) Catalog *catalog = NULL;
  char name[NAME_MAX_LENGTH + 1];
  bool found = false;
  Error taken = ERROR_INIT;
  if (!catalog_open(conninfo, &catalog, err) || !has_owner(catalog, home, &found, err))
    return false;
  principal_name(home->owner_name, name);
  if (found || insert_owner(catalog, home, name, &taken))
    return true;
  if (!has_owner(catalog, home, &found, err))
    return false;
  (void)snprintf(name, sizeof name, "u-%u", (unsigned)home->owner_uid);
  return found || insert_owner(catalog, home, name, err);
}
