/* A client's two SCRAM messages, split at the first \0; no proof may match a key that nobody knows.
 */
#include "fuzz.h"

#include "wire/scram.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static const uint8_t binding[32] = {1, 2, 3};
  static const ScramKey key = {.stored_key = {4, 5, 6}, .server_key = {7, 8, 9}};
  if (length == 0)
    return 0;
  bool tls = (bytes[0] & 1) != 0;
  const char *mechanism = (bytes[0] & 2) != 0 ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
  const char *first = (const char *)bytes + 1;
  const char *end = memchr(first, '\0', length - 1);
  size_t first_length = end != NULL ? (size_t)(end - first) : length - 1;
  AUTO(scram_free) Scram *scram = scram_new(tls ? binding : NULL, sizeof binding);
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  if (!scram_read_first(scram, mechanism, first, first_length, NULL))
    return 0;
  scram_add_challenge(scram, "nonce", "c2FsdA==", 4096, &out);
  if (end == NULL || !scram_read_final(scram, end + 1, length - 1 - first_length - 1, NULL))
    return 0;
  HOLDS(!scram_matches(scram, &key));
  scram_add_final(scram, &key, &out);
  return 0;
}
