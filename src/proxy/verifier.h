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
