/* Asks for the secret behind all salts, and makes them. */
#include "proxy/salts.h"

#include "core/log.h"
#include "core/str.h"
#include "wire/base64.h"
#include "wire/scram.h"

#include <openssl/crypto.h>
#include <string.h>

enum { LIMIT_MS = 10000, ITERATIONS_LIMIT = 1000000 };

struct Salts {
  Control *control;
  SaltsKnown *known;
  void *context;
  uint64_t call;       /* 0: nothing is asked */
  unsigned iterations; /* 0: not known yet */
  uint8_t secret[SCRAM_SECRET_SIZE];
};

static bool read_answer(Salts *salts, const json_t *answer, Error *err) {
  const char *secret = NULL;
  int64_t iterations = 0;
  size_t length = 0;
  if (!json_get_string(answer, "secret", &secret, err) ||
      !json_get_integer(answer, "iterations", &iterations, err))
    return false;
  if (!base64_decode(secret, strlen(secret), salts->secret, sizeof salts->secret, &length) ||
      length != sizeof salts->secret || iterations < 1 || iterations > ITERATIONS_LIMIT)
    return error_set(err, ERROR_INTERNAL, "what salts are made of makes no sense");
  salts->iterations = (unsigned)iterations;
  return true;
}

static void on_answer(void *context, const json_t *answer, const Error *failure) {
  Salts *salts = context;
  Error unreadable = ERROR_INIT;
  salts->call = 0;
  if (failure == NULL && !read_answer(salts, answer, &unreadable))
    failure = &unreadable;
  if (failure != NULL)
    log_error(failure, "nobody can log in yet");
  salts->known(salts->context, failure);
}

void salts_want(Salts *salts) {
  if (salts->call == 0 && !salts_known(salts))
    salts->call = control_ask(salts->control, "salts", json_object(), LIMIT_MS, on_answer, salts);
}

Salts *salts_new(Control *control, SaltsKnown *known, void *context) {
  Salts *salts = mem_new(1, sizeof *salts);
  *salts = (Salts){.control = control, .known = known, .context = context};
  salts_want(salts);
  return salts;
}

void salts_free(Salts *salts) {
  if (salts == NULL)
    return;
  if (salts->call != 0)
    control_forget(salts->control, salts->call);
  OPENSSL_cleanse(salts, sizeof *salts);
  mem_free(salts);
}

bool salts_known(const Salts *salts) {
  return salts->iterations > 0;
}

char *salts_of(const Salts *salts, const char *name, unsigned *ret_iterations) {
  uint8_t salt[SCRAM_SALT_SIZE];
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  scram_salt(salts->secret, name, salt);
  base64_add(&text, salt, sizeof salt);
  *ret_iterations = salts->iterations;
  return str_dup(text.text);
}
