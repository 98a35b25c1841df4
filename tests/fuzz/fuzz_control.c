/* pg_control: any bytes are either refused or decoded to values within their ranges. */
#include "pg/control.h"

#include "core/crc32c.h"

#include <stdlib.h>
#include <string.h>

enum { CRC_OFFSET = 288 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const Control *control) {
  if (control->redo > control->checkpoint || control->timeline == 0 ||
      control->wal_segment_size < 1 << 20 || control->wal_segment_size > 1 << 30 ||
      control->max_connections < 1 || control->state > CONTROL_IN_PRODUCTION)
    abort();
}

/* Once as it came, and once under a right checksum, which no mutation would hit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Control control;
  Error err = ERROR_INIT;
  if (control_decode(data, size, &control, &err))
    check(&control);
  uint8_t bytes[CONTROL_FILE_SIZE] = {0};
  memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
  uint32_t crc = crc32c_end(crc32c_add(CRC32C_START, bytes, CRC_OFFSET));
  memcpy(bytes + CRC_OFFSET, &crc, sizeof crc);
  if (control_decode(bytes, sizeof bytes, &control, &err))
    check(&control);
  return 0;
}
