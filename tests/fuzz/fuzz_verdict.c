/* What psql says about a dump, which may hold whatever the dump's notices say: the outcome must not
 * depend on how the bytes were cut, and what is kept of them is bounded. */
#include "branch/verdict.h"
#include "fuzz.h"

enum { TEXT_LIMIT = VERDICT_EXAMPLES * 400 };

static void read_in_pieces(const char *bytes, size_t length, size_t piece, VerdictReport *ret) {
  for (size_t at = 0; at < length; at += piece)
    verdict_feed(ret, bytes + at, length - at < piece ? length - at : piece);
  verdict_finish(ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length < 2)
    return 0;
  AUTO_RELEASE(verdict_report_release) VerdictReport whole = {.file = "f", .database = "d"};
  AUTO_RELEASE(verdict_report_release) VerdictReport pieces = {.file = "f", .database = "d"};
  read_in_pieces((const char *)bytes + 1, length - 1, length, &whole);
  read_in_pieces((const char *)bytes + 1, length - 1, (size_t)bytes[0] + 1, &pieces);
  for (size_t at = 0; at < VERDICT_COUNT_; at++) {
    HOLDS(whole.counts[at] == pieces.counts[at]);
    HOLDS(whole.examples[at].length <= TEXT_LIMIT);
  }
  HOLDS(json_object_size(whole.roles) == json_object_size(pieces.roles));
  HOLDS(json_object_size(whole.extensions) == json_object_size(pieces.extensions));
  return 0;
}
