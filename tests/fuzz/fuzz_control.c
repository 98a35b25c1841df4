/* global/pg_control of a data directory that anybody may have made. Half of the inputs get a CRC
 * that fits, so that what stands behind that check is reached. */
#include "core/crc32c.h"
#include "fuzz.h"
#include "pg/control.h"

#include <string.h>

enum { CRC_OFFSET = 288 }; /* of ControlFileData in PostgreSQL 15 */

static void check(const Control *control) {
  uint32_t size = control->wal_segment_size;
  HOLDS(size >= 1024 * 1024 && size <= 1024 * 1024 * 1024 && (size & (size - 1)) == 0);
  HOLDS(control->block_size > 0 && control->timeline > 0);
}

static void decode(const uint8_t *bytes, size_t length) {
  Control control = {0};
  Error failure = ERROR_INIT;
  if (control_decode(bytes, length, &control, &failure))
    check(&control);
  else
    HOLDS(failure.code == ERROR_SNAPSHOT_INVALID || failure.code == ERROR_UNSUPPORTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  decode(bytes, length);
  uint8_t file[CONTROL_FILE_SIZE] = {0};
  memcpy(file, bytes, length < sizeof file ? length : sizeof file);
  uint32_t crc = crc32c_end(crc32c_add(CRC32C_START, file, CRC_OFFSET));
  memcpy(file + CRC_OFFSET, &crc, sizeof crc);
  decode(file, sizeof file);
  return 0;
}
