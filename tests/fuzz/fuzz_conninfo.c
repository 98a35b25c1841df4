/* A connection string: whether a password is in it must be told for every string that libpq
 * accepts, the way libpq reads it. */
#include "fuzz.h"
#include "pg/conn.h"

#include <libpq-fe.h>

static bool libpq_sees_password(const char *conninfo) {
  char *message = NULL;
  PQconninfoOption *options = PQconninfoParse(conninfo, &message);
  bool found = false;
  for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
       option++)
    found = found || (option->val != NULL && (str_equal(option->keyword, "password") ||
                                              str_equal(option->keyword, "sslpassword")));
  PQconninfoFree(options);
  PQfreemem(message);
  return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  HOLDS(conninfo_has_password(text) || !libpq_sees_password(text));
  return 0;
}
