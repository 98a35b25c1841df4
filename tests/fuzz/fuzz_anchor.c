/* Anchors, from a file that somebody brings: what is no anchor is counted, what is one is whole. */
#include "branch/audit_anchor.h"
#include "core/hex.h"
#include "fuzz.h"

#include <string.h>

static size_t count_lines(const char *text, size_t length) {
  size_t count = 0;
  for (size_t at = 0; at < length; at++)
    count += text[at] != '\n' && (at + 1 == length || text[at + 1] == '\n');
  return count;
}

static void check_head(const ChainHead *head) {
  HOLDS(head->seq >= 0);
  HOLDS(memchr(head->reason, '\0', sizeof head->reason) != NULL);
  HOLDS(memchr(head->day, '\0', sizeof head->day) != NULL);
  HOLDS(memchr(head->signed_at, '\0', sizeof head->signed_at) != NULL);
  HOLDS(memchr(head->key, '\0', sizeof head->key) != NULL);
  HOLDS(strlen(head->hash) == sizeof head->hash - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  ChainHead *heads = NULL;
  size_t count = 0;
  size_t invalid = 0;
  audit_anchor_read((const char *)bytes, length, &heads, &count, &invalid);
  HOLDS(count + invalid == count_lines((const char *)bytes, length));
  for (size_t at = 0; at < count; at++)
    check_head(&heads[at]);
  mem_free(heads);
  return 0;
}
