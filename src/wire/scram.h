/* The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 5929), without
 * the protocol around it:
 *
 *   scram_read_first    the mechanism and the client's first message
 *   scram_add_challenge the server's first message, from the name's salt
 *   scram_read_final    the client's final message: its form, nonce and channel binding
 *   scram_matches       whether that proof was made with a key; as often as there are keys
 *   scram_add_final     the server's signature
 *
 * The user name inside the messages is ignored, as in stock servers: the startup packet names it.
 */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/str.h"

enum {
  SCRAM_KEY_SIZE = 32,
  SCRAM_SALT_SIZE = 16,
  SCRAM_SECRET_SIZE = 32,
  SCRAM_MESSAGE_LIMIT = 4096,
  SCRAM_NONCE_SIZE = 18 + 6 + 1, /* of the server's part as text, with \0 */
  SCRAM_BINDING_LIMIT = 64,
  SCRAM_ITERATIONS_DEFAULT = 4096,
};

/* What of a password a server keeps. */
typedef struct ScramKey {
  uint8_t stored_key[SCRAM_KEY_SIZE];
  uint8_t server_key[SCRAM_KEY_SIZE];
} ScramKey;

/* The salt of a name, the same every time, whether anybody has that name or not: HMAC-SHA-256 of
 * the name under a secret. So a challenge can be made at once, and tells nothing. */
void scram_salt(const uint8_t secret[SCRAM_SECRET_SIZE], const char *name,
                uint8_t ret[SCRAM_SALT_SIZE]);

/* The key of a password, which must be ASCII: tokens are. */
CHECKED bool scram_derive(const char *password, const void *salt, size_t salt_length,
                          unsigned iterations, ScramKey *ret, Error *err);

typedef struct Scram Scram;

/* binding: the hash of the server's certificate (tls-server-end-point), which makes the mechanism
 * with -PLUS be offered; NULL without TLS. */
Scram *scram_new(const void *binding, size_t binding_length);
void scram_free(Scram *scram);
DEFINE_AUTO(Scram *, scram_free)

/* The offered mechanisms as AuthenticationSASL lists them, with all \0. */
void scram_add_mechanisms(const Scram *scram, Buffer *out);

/* A fresh nonce of the server. */
void scram_nonce(char ret[SCRAM_NONCE_SIZE]);

CHECKED bool scram_read_first(Scram *scram, const char *mechanism, const char *message,
                              size_t length, Error *err);
void scram_add_challenge(Scram *scram, const char *nonce, const char *salt_base64,
                         unsigned iterations, Buffer *out);
CHECKED bool scram_read_final(Scram *scram, const char *message, size_t length, Error *err);

/* Takes the same time whether it matches or not. */
CHECKED bool scram_matches(const Scram *scram, const ScramKey *key);
void scram_add_final(const Scram *scram, const ScramKey *key, Buffer *out);
