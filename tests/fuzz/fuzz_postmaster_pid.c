/* postmaster.pid, which a stranger's code in the server may have written. */
#include "compute/postmaster_pid.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  PostmasterPid result = {0};
  if (postmaster_pid_decode((const char *)bytes, length, &result)) {
    HOLDS(result.pid > 0);
    HOLDS(memchr(result.data, '\0', sizeof result.data) != NULL);
  }
  return 0;
}
