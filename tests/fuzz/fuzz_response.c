/* What a server answers, in pieces of a length that the first byte gives: the outcome must not
 * depend on how the bytes were cut. */
#include "fuzz.h"
#include "http/response.h"

static bool count_body(void *context, const char *bytes, size_t length, Error *err) {
  size_t *total = context;
  *total += length;
  return true;
}

typedef struct Outcome {
  bool passed, done;
  int status;
  size_t body;
} Outcome;

static Outcome feed(const char *bytes, size_t length, size_t piece) {
  Outcome outcome = {.passed = true};
  AUTO_RELEASE(response_release) Response response;
  response_init(&response, count_body, &outcome.body);
  for (size_t at = 0; outcome.passed && at < length; at += piece) {
    size_t rest = length - at;
    outcome.passed = response_feed(&response, bytes + at, rest < piece ? rest : piece, NULL);
  }
  outcome.passed = outcome.passed && response_finish(&response, NULL);
  outcome.done = response.is_done;
  outcome.status = response.status;
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length < 2)
    return 0;
  Outcome whole = feed((const char *)bytes + 1, length - 1, length);
  Outcome pieces = feed((const char *)bytes + 1, length - 1, (size_t)bytes[0] + 1);
  HOLDS(whole.passed == pieces.passed);
  HOLDS(!whole.passed ||
        (whole.done == pieces.done && whole.status == pieces.status && whole.body == pieces.body));
  return 0;
}
