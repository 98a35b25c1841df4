/* A record of identities from the catalog: counted or refused, never more objects than lines. */
#include "branch/identity.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  int64_t count = -1;
  int64_t lines = 0;
  for (const char *c = text; *c != '\0'; c++)
    lines += *c == '\n';
  bool ok = identity_count(text, &count, NULL);
  HOLDS(ok ? count >= 0 && count <= lines : count == -1);
  return 0;
}
