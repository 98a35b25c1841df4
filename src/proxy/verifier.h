/* What boughd keeps of a principal's tokens, and whether a proof fits one of them. */
#pragma once

#include "core/json.h"
#include "wire/scram.h"

typedef struct Verifier Verifier;

CHECKED bool verifier_read(const json_t *answer, Verifier **ret, Error *err);
void verifier_free(Verifier *verifier);

const char *verifier_principal(const Verifier *verifier);

/* Tries every key, expired ones and some that nobody has too, so that the time it takes tells
 * nothing. *ret_token and *ret_key are borrowed. */
CHECKED bool verifier_match(const Verifier *verifier, const Scram *scram, int64_t now_us,
                            const char **ret_token, const ScramKey **ret_key);

/* Verifiers that somebody has just logged in by. A proof that fits one of them still has to be let
 * in by boughd, which looks at the token again; one that doesn't fit says nothing. */
typedef struct VerifierCache VerifierCache;

VerifierCache *verifier_cache_new(void);
void verifier_cache_free(VerifierCache *cache);
/* Keeps a copy, for five seconds from when it was asked for; an older one never replaces a newer.
 */
void verifier_cache_put(VerifierCache *cache, const char *user, const Verifier *verifier,
                        int64_t asked_ms);
/* A copy, owned by the caller; NULL when there is none, or not any more. */
Verifier *verifier_cache_find(const VerifierCache *cache, const char *user, int64_t now_ms);
void verifier_cache_forget(VerifierCache *cache, const char *user); /* NULL: all of them */
/* Those whose time is over. */
void verifier_cache_sweep(VerifierCache *cache, int64_t now_ms);
