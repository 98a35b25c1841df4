/* Schedules from a policy file: read or refused; what is read has a next time, and that is the last
 * one until then. */
#include "core/cron.h"
#include "fuzz.h"

#define START 1711846800000000LL /* an hour before Berlin's clocks skip one, in 2024 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  Cron cron = {0};
  Error err = ERROR_INIT;
  if (!cron_parse(text, &cron, &err)) {
    HOLDS(err.code == ERROR_USAGE && err.message[0] != '\0');
    return 0;
  }
  int64_t time = START;
  for (int round = 0; round < 3; round++) {
    int64_t next = 0;
    int64_t last = 0;
    HOLDS(cron_next(&cron, "Europe/Berlin", time, &next, &err) && next > time);
    HOLDS(cron_last(&cron, "Europe/Berlin", next, &last, &err) && last == next);
    time = next;
  }
  return 0;
}
