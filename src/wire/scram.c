/* SCRAM's four messages; the arithmetic is OpenSSL's. */
#include "wire/scram.h"

#include "wire/base64.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NONCE_BYTES = 18 };

static const char plain_name[] = "SCRAM-SHA-256";
static const char plus_name[] = "SCRAM-SHA-256-PLUS";
static const char binding_name[] = "tls-server-end-point";

struct Scram {
  uint8_t binding[SCRAM_BINDING_LIMIT];
  size_t binding_length; /* 0: no TLS */
  bool binds;            /* the mechanism with -PLUS was chosen */
  char *header;          /* GS2: "n,,", "y,," or "p=tls-server-end-point,," */
  char *nonce;           /* the client's, then both joined */
  Buffer messages;       /* AuthMessage of RFC 5802 as far as it has come */
  uint8_t proof[SCRAM_KEY_SIZE];
};

Scram *scram_new(const void *binding, size_t binding_length) {
  Scram *scram = mem_new(1, sizeof *scram);
  if (binding != NULL && binding_length <= SCRAM_BINDING_LIMIT) {
    memcpy(scram->binding, binding, binding_length);
    scram->binding_length = binding_length;
  }
  return scram;
}

void scram_free(Scram *scram) {
  if (scram == NULL)
    return;
  str_free(scram->header);
  str_free(scram->nonce);
  buffer_release(&scram->messages);
  OPENSSL_cleanse(scram, sizeof *scram);
  mem_free(scram);
}

void scram_add_mechanisms(const Scram *scram, Buffer *out) {
  if (scram->binding_length > 0)
    buffer_add(out, plus_name, sizeof plus_name);
  buffer_add(out, plain_name, sizeof plain_name);
  buffer_add(out, "", 1);
}

void scram_nonce(char ret[SCRAM_NONCE_SIZE]) {
  unsigned char bytes[NONCE_BYTES];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    abort();
  _Static_assert(SCRAM_NONCE_SIZE == NONCE_BYTES / 3 * 4 + 1, "the nonce's text fits");
  (void)EVP_EncodeBlock((unsigned char *)ret, bytes, sizeof bytes);
}

/* Keys */

/* Fails only without memory, which aborts here as it does everywhere. */
static void hmac(const void *key, size_t key_length, const void *data, size_t length,
                 uint8_t ret[SCRAM_KEY_SIZE]) {
  if (HMAC(EVP_sha256(), key, (int)key_length, data, length, ret, NULL) == NULL)
    abort();
}

void scram_salt(const uint8_t secret[SCRAM_SECRET_SIZE], const char *name,
                uint8_t ret[SCRAM_SALT_SIZE]) {
  uint8_t digest[SCRAM_KEY_SIZE];
  hmac(secret, SCRAM_SECRET_SIZE, name, strlen(name), digest);
  memcpy(ret, digest, SCRAM_SALT_SIZE);
}

bool scram_derive(const char *password, const void *salt, size_t salt_length, unsigned iterations,
                  ScramKey *ret, Error *err) {
  uint8_t salted[SCRAM_KEY_SIZE];
  uint8_t client_key[SCRAM_KEY_SIZE];
  if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_length, (int)iterations,
                        EVP_sha256(), sizeof salted, salted) != 1)
    return error_set(err, ERROR_INTERNAL, "could not derive a key");
  hmac(salted, sizeof salted, "Client Key", 10, client_key);
  (void)SHA256(client_key, sizeof client_key, ret->stored_key);
  hmac(salted, sizeof salted, "Server Key", 10, ret->server_key);
  OPENSSL_cleanse(salted, sizeof salted);
  OPENSSL_cleanse(client_key, sizeof client_key);
  return true;
}

/* Reading */

typedef struct Text {
  const char *at;
  const char *end;
} Text;

static bool malformed(Error *err, const char *what) {
  return error_set(err, ERROR_PROTOCOL, "malformed SCRAM message: %s", what);
}

static bool take(Text *text, const char *prefix) {
  size_t length = strlen(prefix);
  if ((size_t)(text->end - text->at) < length || memcmp(text->at, prefix, length) != 0)
    return false;
  text->at += length;
  return true;
}

/* The bytes up to the next comma or the end, which are left standing. */
static Text take_value(Text *text) {
  const char *comma = memchr(text->at, ',', (size_t)(text->end - text->at));
  Text value = {text->at, comma != NULL ? comma : text->end};
  text->at = value.end;
  return value;
}

static size_t text_length(Text text) {
  return (size_t)(text.end - text.at);
}

/* = appears only as =2C and =3D. */
static bool is_saslname(Text name) {
  for (const char *c = name.at; c < name.end; c++)
    if (*c == '=' && (name.end - c < 3 || (memcmp(c, "=2C", 3) != 0 && memcmp(c, "=3D", 3) != 0)))
      return false;
  return true;
}

static bool is_nonce(Text nonce) {
  for (const char *c = nonce.at; c < nonce.end; c++)
    if (*c < '!' || *c > '~')
      return false;
  return text_length(nonce) > 0;
}

/* ",x=value" as often as it comes; RFC 5802 lets unknown ones be passed over, but for "m". */
static bool skip_extensions(Text *text, Error *err) {
  while (text->at < text->end) {
    if (text->end - text->at < 3 || text->at[0] != ',' || text->at[2] != '=')
      return malformed(err, "an attribute was expected");
    char name = text->at[1];
    if (!((name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z')) || name == 'm')
      return malformed(err, "an extension that is not supported");
    text->at += 3;
    (void)take_value(text);
  }
  return true;
}

static bool choose_mechanism(Scram *scram, const char *mechanism, Error *err) {
  scram->binds = str_equal(mechanism, plus_name);
  if (scram->binds && scram->binding_length == 0)
    return error_set(err, ERROR_PROTOCOL, "SCRAM-SHA-256-PLUS needs TLS");
  return scram->binds || str_equal(mechanism, plain_name) ||
         error_set(err, ERROR_PROTOCOL, "client selected an invalid SASL mechanism");
}

/* The flag for channel binding, which has to fit the mechanism. */
static bool read_binding_flag(const Scram *scram, Text *text, Error *err) {
  if (take(text, "p=")) {
    Text name = take_value(text);
    if (!scram->binds)
      return malformed(err, "channel binding with a mechanism that has none");
    if (text_length(name) != strlen(binding_name) ||
        memcmp(name.at, binding_name, strlen(binding_name)) != 0)
      return error_set(err, ERROR_PROTOCOL, "unsupported SCRAM channel-binding type");
    return true;
  }
  if (scram->binds)
    return malformed(err, "the mechanism needs channel binding");
  if (take(text, "n"))
    return true;
  if (!take(text, "y"))
    return malformed(err, "unexpected channel-binding flag");
  /* "I could bind, and believe that you can't": somebody removed -PLUS from the list. */
  return scram->binding_length == 0 ||
         error_set(err, ERROR_PROTOCOL, "SCRAM channel binding negotiation error");
}

static bool read_header(const Scram *scram, Text *text, Error *err) {
  if (!read_binding_flag(scram, text, err))
    return false;
  if (!take(text, ","))
    return malformed(err, "a comma was expected");
  if (take(text, "a="))
    return error_set(err, ERROR_PROTOCOL, "client uses authorization identity, which is refused");
  return take(text, ",") || malformed(err, "a comma was expected");
}

bool scram_read_first(Scram *scram, const char *mechanism, const char *message, size_t length,
                      Error *err) {
  Text text = {message, message + length};
  if (length > SCRAM_MESSAGE_LIMIT || memchr(message, '\0', length) != NULL)
    return malformed(err, "too long, or with a zero byte");
  if (!choose_mechanism(scram, mechanism, err) || !read_header(scram, &text, err))
    return false;
  const char *bare = text.at;
  if (!take(&text, "n=") || !is_saslname(take_value(&text)))
    return malformed(err, "a user name was expected");
  if (!take(&text, ",r="))
    return malformed(err, "a nonce was expected");
  Text nonce = take_value(&text);
  if (!is_nonce(nonce))
    return malformed(err, "non-printable characters in the nonce");
  if (!skip_extensions(&text, err))
    return false;
  scram->header = str_ndup(message, (size_t)(bare - message));
  scram->nonce = str_ndup(nonce.at, text_length(nonce));
  buffer_add(&scram->messages, bare, (size_t)(text.end - bare));
  return true;
}

void scram_add_challenge(Scram *scram, const char *nonce, const char *salt_base64,
                         unsigned iterations, Buffer *out) {
  AUTO(str_free) char *mine = str_format("%s%s", scram->nonce, nonce);
  str_free(scram->nonce);
  scram->nonce = STEAL(mine);
  AUTO(str_free)
  char *message = str_format("r=%s,s=%s,i=%u", scram->nonce, salt_base64, iterations);
  buffer_add_format(&scram->messages, ",%s", message);
  buffer_add_text(out, message);
}

/* What c= must say: the header as it came, and the certificate's hash where it is bound. */
static bool check_binding(const Scram *scram, Text value) {
  AUTO_RELEASE(buffer_release) Buffer input = {0};
  AUTO_RELEASE(buffer_release) Buffer expected = {0};
  buffer_add_text(&input, scram->header);
  if (scram->binds)
    buffer_add(&input, scram->binding, scram->binding_length);
  base64_add(&expected, input.text, input.length);
  return text_length(value) == expected.length &&
         mem_equal_constant_time(value.at, expected.text, expected.length);
}

static bool read_proof(Scram *scram, Text value, Error *err) {
  uint8_t proof[SCRAM_KEY_SIZE];
  size_t length = 0;
  if (!base64_decode(value.at, text_length(value), proof, sizeof proof, &length) ||
      length != sizeof proof)
    return malformed(err, "the proof");
  memcpy(scram->proof, proof, sizeof proof);
  return true;
}

/* The proof is the last attribute, behind any extension. */
static const char *find_proof(Text text) {
  const char *last = NULL;
  for (const char *c = text.at; c + 3 <= text.end; c++)
    if (memcmp(c, ",p=", 3) == 0)
      last = c;
  return last;
}

bool scram_read_final(Scram *scram, const char *message, size_t length, Error *err) {
  Text text = {message, message + length};
  if (length > SCRAM_MESSAGE_LIMIT || memchr(message, '\0', length) != NULL)
    return malformed(err, "too long, or with a zero byte");
  if (!take(&text, "c=") || !check_binding(scram, take_value(&text)))
    return error_set(err, ERROR_PROTOCOL, "SCRAM channel binding check failed");
  if (!take(&text, ",r="))
    return malformed(err, "a nonce was expected");
  Text nonce = take_value(&text);
  if (text_length(nonce) != strlen(scram->nonce) ||
      !mem_equal_constant_time(nonce.at, scram->nonce, strlen(scram->nonce)))
    return malformed(err, "the nonce is not the one of this exchange");
  const char *proof = find_proof(text);
  if (proof == NULL)
    return malformed(err, "a proof was expected");
  Text extensions = {text.at, proof};
  if (!skip_extensions(&extensions, err))
    return false;
  buffer_add_text(&scram->messages, ",");
  buffer_add(&scram->messages, message, (size_t)(proof - message));
  return read_proof(scram, (Text){proof + 3, text.end}, err);
}

/* Proof */

bool scram_matches(const Scram *scram, const ScramKey *key) {
  uint8_t client_key[SCRAM_KEY_SIZE];
  uint8_t stored_key[SCRAM_KEY_SIZE];
  hmac(key->stored_key, SCRAM_KEY_SIZE, scram->messages.text, scram->messages.length, client_key);
  for (size_t at = 0; at < SCRAM_KEY_SIZE; at++)
    client_key[at] ^= scram->proof[at];
  (void)SHA256(client_key, sizeof client_key, stored_key);
  OPENSSL_cleanse(client_key, sizeof client_key);
  return mem_equal_constant_time(stored_key, key->stored_key, SCRAM_KEY_SIZE);
}

void scram_add_final(const Scram *scram, const ScramKey *key, Buffer *out) {
  uint8_t signature[SCRAM_KEY_SIZE];
  hmac(key->server_key, SCRAM_KEY_SIZE, scram->messages.text, scram->messages.length, signature);
  buffer_add_text(out, "v=");
  base64_add(out, signature, sizeof signature);
}
