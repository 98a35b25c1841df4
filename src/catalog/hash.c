/* SHA-256 over a row: every value with its length in front, so that no two rows look alike. */
#include "catalog/hash.h"

#include <openssl/evp.h>
#include <string.h>

struct Hasher {
  EVP_MD *kind;
  EVP_MD_CTX *state;
};

Hasher *hasher_new(void) {
  Hasher *hasher = mem_new(1, sizeof *hasher);
  hasher->kind = EVP_MD_fetch(NULL, "SHA256", NULL);
  hasher->state = EVP_MD_CTX_new();
  return hasher;
}

void hasher_free(Hasher *hasher) {
  if (hasher == NULL)
    return;
  EVP_MD_CTX_free(hasher->state);
  EVP_MD_free(hasher->kind);
  mem_free(hasher);
}

static bool add_number(Hasher *hasher, uint64_t number) {
  unsigned char bytes[8];
  for (int at = 7; at >= 0; at--, number >>= 8)
    bytes[at] = (unsigned char)(number & 0xFF);
  return EVP_DigestUpdate(hasher->state, bytes, sizeof bytes) == 1;
}

/* NULL has a length that no text has. */
static bool add_text(Hasher *hasher, const char *text) {
  if (text == NULL)
    return add_number(hasher, UINT64_MAX);
  size_t length = strlen(text);
  return add_number(hasher, length) && EVP_DigestUpdate(hasher->state, text, length) == 1;
}

bool hasher_row(Hasher *hasher, const unsigned char prev[HASH_SIZE], int64_t seq,
                const char *sealed_at, const Rows *rows, size_t row, size_t first,
                unsigned char ret[HASH_SIZE], Error *err) {
  bool ok = hasher->kind != NULL && hasher->state != NULL &&
            EVP_DigestInit_ex2(hasher->state, hasher->kind, NULL) == 1 &&
            EVP_DigestUpdate(hasher->state, prev, HASH_SIZE) == 1 &&
            add_number(hasher, (uint64_t)seq) && add_text(hasher, sealed_at);
  for (size_t at = 0; ok && at < EVENT_COLUMN_COUNT; at++)
    ok = add_text(hasher, rows_get(rows, row, first + at));
  return (ok && EVP_DigestFinal_ex(hasher->state, ret, NULL) == 1) ||
         error_set(err, ERROR_INTERNAL, "SHA-256 failed");
}
