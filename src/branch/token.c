/* Tokens as text. */
#include "branch/token.h"

#include "core/str.h"
#include "wire/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* 220 bits. With prefix and id it stays below the 64 bytes of SHA-256's block: a longer password is
 * hashed anew by libpq in each of SCRAM's rounds, which makes a login half as long again. */
enum { ID_LENGTH = 12, SECRET_LENGTH = 44 };

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char prefix[] = "bough_";

/* A letter of each byte, of which 5 bits count. */
static void spell_part(const unsigned char *bytes, size_t length, char *ret) {
  for (size_t at = 0; at < length; at++)
    ret[at] = alphabet[bytes[at] % 32];
  ret[length] = '\0';
}

static void spell(const unsigned char id[ID_LENGTH], const unsigned char secret[SECRET_LENGTH],
                  char ret_id[ID_SIZE], char ret_text[TOKEN_TEXT_SIZE]) {
  char part[ID_LENGTH + 1];
  spell_part(id, ID_LENGTH, part);
  (void)snprintf(ret_id, ID_SIZE, "tok-%s", part);
  int used = snprintf(ret_text, TOKEN_TEXT_SIZE, "%s%s_", prefix, part);
  spell_part(secret, SECRET_LENGTH, ret_text + used);
}

bool token_generate(char ret_id[ID_SIZE], char ret_text[TOKEN_TEXT_SIZE], Error *err) {
  unsigned char bytes[ID_LENGTH + SECRET_LENGTH];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return error_set(err, ERROR_INTERNAL, "no randomness");
  spell(bytes, bytes + ID_LENGTH, ret_id, ret_text);
  OPENSSL_cleanse(bytes, sizeof bytes);
  return true;
}

static bool mac(const unsigned char secret[KEY_SIZE], const char *text,
                unsigned char ret[EVP_MAX_MD_SIZE], Error *err) {
  unsigned length = 0;
  return HMAC(EVP_sha512(), secret, KEY_SIZE, (const unsigned char *)text, strlen(text), ret,
              &length) != NULL ||
         error_set(err, ERROR_INTERNAL, "no SHA-512");
}

bool token_derive(const unsigned char secret[KEY_SIZE], const char *principal, int64_t number,
                  char ret_id[ID_SIZE], char ret_text[TOKEN_TEXT_SIZE], Error *err) {
  unsigned char of_id[EVP_MAX_MD_SIZE];
  unsigned char of_text[EVP_MAX_MD_SIZE];
  AUTO(str_free) char *id = str_format("id %s %lld", principal, (long long)number);
  AUTO(str_free) char *text = str_format("text %s %lld", principal, (long long)number);
  if (!mac(secret, id, of_id, err) || !mac(secret, text, of_text, err))
    return false;
  spell(of_id, of_text, ret_id, ret_text);
  OPENSSL_cleanse(of_id, sizeof of_id);
  OPENSSL_cleanse(of_text, sizeof of_text);
  return true;
}

bool token_read_id(const char *text, char ret_id[ID_SIZE]) {
  const size_t start = sizeof prefix - 1;
  if (!str_starts(text, prefix) || strlen(text) != start + ID_LENGTH + 1 + SECRET_LENGTH)
    return false;
  (void)snprintf(ret_id, ID_SIZE, "tok-%.*s", ID_LENGTH, text + start);
  const char *rest = text + start + ID_LENGTH;
  return id_check("tok", ret_id) && rest[0] == '_' && strspn(rest + 1, alphabet) == SECRET_LENGTH;
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
