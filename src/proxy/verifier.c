/* Reads verifiers and tries proofs against them. */
#include "proxy/verifier.h"

#include "wire/base64.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/queue.h>

enum {
  KEYS_LIMIT = 64,
  KEYS_STEP = 8, /* so many, or twice, or thrice as many are tried */
  LIFE_MS = 5000,
  ENTRIES_LIMIT = 512,
};

typedef struct Key {
  ScramKey key;
  char *token; /* NULL: nobody's */
  int64_t expires_us;
} Key;

struct Verifier {
  char *principal;
  Key keys[KEYS_LIMIT];
  size_t count; /* filled up to a multiple of KEYS_STEP */
};

DEFINE_AUTO(Verifier *, verifier_free)

void verifier_free(Verifier *verifier) {
  if (verifier == NULL)
    return;
  str_free(verifier->principal);
  for (size_t at = 0; at < KEYS_LIMIT; at++)
    str_free(verifier->keys[at].token);
  OPENSSL_cleanse(verifier, sizeof *verifier);
  mem_free(verifier);
}

static bool read_key_part(const json_t *object, const char *name, uint8_t ret[SCRAM_KEY_SIZE],
                          Error *err) {
  const char *text = NULL;
  size_t length = 0;
  if (!json_get_string(object, name, &text, err))
    return false;
  return (base64_decode(text, strlen(text), ret, SCRAM_KEY_SIZE, &length) &&
          length == SCRAM_KEY_SIZE) ||
         error_set(err, ERROR_INTERNAL, "a verifier's %s makes no sense", name);
}

static bool read_key(const json_t *object, Key *key, Error *err) {
  const char *token = NULL;
  if (!json_get_string(object, "token", &token, err) ||
      !read_key_part(object, "stored_key", key->key.stored_key, err) ||
      !read_key_part(object, "server_key", key->key.server_key, err))
    return false;
  key->token = str_dup(token);
  key->expires_us = json_integer_or(object, "expires_at_us", 0);
  return true;
}

static bool read_keys(const json_t *answer, Verifier *verifier, Error *err) {
  const json_t *keys = json_object_get(answer, "keys");
  size_t count = json_array_size(keys);
  if (count > KEYS_LIMIT)
    return error_set(err, ERROR_INTERNAL, "a principal with more than %d tokens", KEYS_LIMIT);
  for (size_t at = 0; at < count; at++)
    if (!read_key(json_array_get(keys, at), &verifier->keys[at], err))
      return false;
  verifier->count = count == 0 ? KEYS_STEP : (count + KEYS_STEP - 1) / KEYS_STEP * KEYS_STEP;
  return true;
}

bool verifier_read(const json_t *answer, Verifier **ret, Error *err) {
  AUTO(verifier_free) Verifier *verifier = mem_new(1, sizeof *verifier);
  verifier->principal = str_dup(json_string_or(answer, "principal", ""));
  if (!read_keys(answer, verifier, err))
    return false;
  *ret = STEAL(verifier);
  return true;
}

const char *verifier_principal(const Verifier *verifier) {
  return verifier->principal;
}

bool verifier_match(const Verifier *verifier, const Scram *scram, int64_t now_us,
                    const char **ret_token, const ScramKey **ret_key) {
  const Key *match = NULL;
  for (size_t at = 0; at < verifier->count; at++) {
    const Key *key = &verifier->keys[at];
    bool fits = scram_matches(scram, &key->key);
    bool usable = key->token != NULL && (key->expires_us == 0 || key->expires_us > now_us);
    if (fits & usable)
      match = key;
  }
  if (match == NULL)
    return false;
  *ret_token = match->token;
  *ret_key = &match->key;
  return true;
}

/* Recent ones */

typedef struct Recent {
  TAILQ_ENTRY(Recent) link;
  char *user;
  Verifier *verifier;
  int64_t ends_ms;
} Recent;

struct VerifierCache {
  TAILQ_HEAD(Recents, Recent) recents; /* in the order they came in */
  size_t count;
};

VerifierCache *verifier_cache_new(void) {
  VerifierCache *cache = mem_new(1, sizeof *cache);
  TAILQ_INIT(&cache->recents);
  return cache;
}

static void remove_recent(VerifierCache *cache, Recent *recent) {
  TAILQ_REMOVE(&cache->recents, recent, link);
  cache->count--;
  str_free(recent->user);
  verifier_free(recent->verifier);
  mem_free(recent);
}

void verifier_cache_free(VerifierCache *cache) {
  if (cache == NULL)
    return;
  while (!TAILQ_EMPTY(&cache->recents))
    remove_recent(cache, TAILQ_FIRST(&cache->recents));
  mem_free(cache);
}

static Verifier *copy(const Verifier *verifier) {
  Verifier *twin = mem_new(1, sizeof *twin);
  *twin = *verifier;
  twin->principal = str_dup(verifier->principal);
  for (size_t at = 0; at < KEYS_LIMIT; at++)
    twin->keys[at].token =
        verifier->keys[at].token != NULL ? str_dup(verifier->keys[at].token) : NULL;
  return twin;
}

static Recent *find_recent(const VerifierCache *cache, const char *user) {
  Recent *recent = NULL;
  TAILQ_FOREACH(recent, &cache->recents, link) {
    if (str_equal(recent->user, user))
      return recent;
  }
  return NULL;
}

void verifier_cache_forget(VerifierCache *cache, const char *user) {
  for (Recent *recent = TAILQ_FIRST(&cache->recents), *next = NULL; recent != NULL; recent = next) {
    next = TAILQ_NEXT(recent, link);
    if (user == NULL || str_equal(recent->user, user))
      remove_recent(cache, recent);
  }
}

void verifier_cache_put(VerifierCache *cache, const char *user, const Verifier *verifier,
                        int64_t asked_ms) {
  const Recent *old = find_recent(cache, user);
  if (old != NULL && old->ends_ms > asked_ms + LIFE_MS)
    return; /* a slow login's is older than what is known by now */
  verifier_cache_forget(cache, user);
  if (cache->count >= ENTRIES_LIMIT)
    remove_recent(cache, TAILQ_FIRST(&cache->recents));
  Recent *recent = mem_new(1, sizeof *recent);
  *recent =
      (Recent){.user = str_dup(user), .verifier = copy(verifier), .ends_ms = asked_ms + LIFE_MS};
  TAILQ_INSERT_TAIL(&cache->recents, recent, link);
  cache->count++;
}

Verifier *verifier_cache_find(const VerifierCache *cache, const char *user, int64_t now_ms) {
  const Recent *recent = find_recent(cache, user);
  return recent != NULL && recent->ends_ms > now_ms ? copy(recent->verifier) : NULL;
}

void verifier_cache_sweep(VerifierCache *cache, int64_t now_ms) {
  for (Recent *recent = TAILQ_FIRST(&cache->recents), *next = NULL; recent != NULL; recent = next) {
    next = TAILQ_NEXT(recent, link);
    if (recent->ends_ms <= now_ms)
      remove_recent(cache, recent);
  }
}
