/* Tokens as text. */
#include "branch/token.h"

#include "core/hex.h"
#include "core/str.h"
#include "wire/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { ID_LENGTH = 12, RANDOM_SIZE = 32 };

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char prefix[] = "bough_";

/* bytes: ID_LENGTH for the id, RANDOM_SIZE for the rest. */
static void spell(const unsigned char bytes[ID_LENGTH + RANDOM_SIZE], char ret_id[ID_SIZE],
                  char ret_text[TOKEN_TEXT_SIZE]) {
  char id[ID_LENGTH + 1] = "";
  for (size_t at = 0; at < ID_LENGTH; at++)
    id[at] = alphabet[bytes[at] % 32];
  (void)snprintf(ret_id, ID_SIZE, "tok-%s", id);
  int used = snprintf(ret_text, TOKEN_TEXT_SIZE, "%s%s_", prefix, id);
  hex_write(bytes + ID_LENGTH, RANDOM_SIZE, ret_text + used);
}

bool token_generate(char ret_id[ID_SIZE], char ret_text[TOKEN_TEXT_SIZE], Error *err) {
  unsigned char bytes[ID_LENGTH + RANDOM_SIZE];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return error_set(err, ERROR_INTERNAL, "no randomness");
  spell(bytes, ret_id, ret_text);
  OPENSSL_cleanse(bytes, sizeof bytes);
  return true;
}

static bool mac(const unsigned char secret[KEY_SIZE], const char *text,
                unsigned char ret[EVP_MAX_MD_SIZE], Error *err) {
  unsigned length = 0;
  return HMAC(EVP_sha256(), secret, KEY_SIZE, (const unsigned char *)text, strlen(text), ret,
              &length) != NULL ||
         error_set(err, ERROR_INTERNAL, "no SHA-256");
}

bool token_derive(const unsigned char secret[KEY_SIZE], const char *principal, int64_t number,
                  char ret_id[ID_SIZE], char ret_text[TOKEN_TEXT_SIZE], Error *err) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned char bytes[ID_LENGTH + RANDOM_SIZE];
  AUTO(str_free) char *id = str_format("id %s %lld", principal, (long long)number);
  AUTO(str_free) char *text = str_format("text %s %lld", principal, (long long)number);
  if (!mac(secret, id, digest, err))
    return false;
  memcpy(bytes, digest, ID_LENGTH);
  if (!mac(secret, text, digest, err))
    return false;
  memcpy(bytes + ID_LENGTH, digest, RANDOM_SIZE);
  spell(bytes, ret_id, ret_text);
  OPENSSL_cleanse(bytes, sizeof bytes);
  OPENSSL_cleanse(digest, sizeof digest);
  return true;
}

bool token_read_id(const char *text, char ret_id[ID_SIZE]) {
  static const char hexadecimal[] = "0123456789abcdef";
  const size_t start = sizeof prefix - 1;
  if (!str_starts(text, prefix) || strlen(text) != start + ID_LENGTH + 1 + 2 * RANDOM_SIZE)
    return false;
  (void)snprintf(ret_id, ID_SIZE, "tok-%.*s", ID_LENGTH, text + start);
  const char *rest = text + start + ID_LENGTH;
  return id_check("tok", ret_id) && rest[0] == '_' &&
         strspn(rest + 1, hexadecimal) == (size_t)2 * RANDOM_SIZE;
}

bool token_salt(Catalog *catalog, const char *name, TokenSalt ret, Error *err) {
  unsigned char secret[KEY_SIZE];
  _Static_assert((int)SALT_SIZE == SCRAM_SALT_SIZE && (int)KEY_SIZE == SCRAM_SECRET_SIZE, "");
  bool ok = secret_get(catalog, "salt", secret, err);
  if (ok)
    scram_salt(secret, name, ret);
  OPENSSL_cleanse(secret, sizeof secret);
  return ok;
}

bool token_make_keys(const char *text, const TokenSalt salt, unsigned iterations, TokenRow *row,
                     Error *err) {
  ScramKey key;
  if (!scram_derive(text, salt, SALT_SIZE, iterations, &key, err))
    return false;
  row->iterations = iterations;
  memcpy(row->stored_key, key.stored_key, KEY_SIZE);
  memcpy(row->server_key, key.server_key, KEY_SIZE);
  return true;
}
