/* Texts of catalogs that the migration writer takes apart: access control lists and options. What
 * it makes of options again reads as the same options. */
#include "diff/sql_acl.h"
#include "diff/sql_build.h"
#include "fuzz.h"

static void check_options(const char *text) {
  AUTO_RELEASE(options_release) SqlOptions options = options_parse(text);
  AUTO_RELEASE(buffer_release) Buffer again = {0};
  buffer_add_text(&again, "");
  options_add_foreign(&again, text);
  AUTO_RELEASE(options_release) SqlOptions same = options_parse(again.text);
  HOLDS(same.count == options.count);
  for (size_t at = 0; at < same.count; at++) {
    HOLDS(str_equal(same.items[at].name, options.items[at].name));
    HOLDS(str_equal(same.items[at].value, options.items[at].value));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  AUTO_RELEASE(acl_release) Acl acl = acl_parse(text);
  HOLDS(acl.count <= length);
  acl_change_owner(&acl, "a", "b");
  for (size_t at = 0; at < acl.count; at++)
    HOLDS(!str_equal(acl.items[at].grantee, "a"));
  check_options(text);
  return 0;
}
