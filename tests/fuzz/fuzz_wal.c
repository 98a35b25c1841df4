/* A log that was damaged: real records, written in memory, overwritten at positions that the input
 * gives. The walk must end inside the log, and never later than the undamaged one. */
#include "fuzz.h"
#include "harness/walwriter.h"

#include <string.h>

enum { SEGMENT = 1024 * 1024, SEGMENTS = 2, DAMAGE_SIZE = 8 };

static void write_records(WalWriter *writer, uint8_t seed) {
  for (uint32_t record = 0; record < 40; record++) {
    uint32_t length = 24 + (record * 977 + seed * 131) % 30000;
    if (record == 20)
      (void)wal_writer_switch(writer);
    else if (record % 13 == 5)
      (void)wal_writer_give_up(writer, length, 1);
    else
      (void)wal_writer_add(writer, length);
  }
}

static Lsn walk(WalWriter *writer, Lsn start) {
  WalSource source = wal_writer_source(writer);
  WalWalk result = {0};
  if (!wal_read(&source, &writer->log, start, 0, &result, NULL))
    return 0;
  HOLDS(result.last_record < result.end && result.end <= writer->base + writer->size);
  return result.end;
}

/* Each DAMAGE_SIZE bytes: 3 bytes of position, then what is written there. */
static void damage(WalWriter *writer, const uint8_t *bytes, size_t length) {
  for (; length >= DAMAGE_SIZE; bytes += DAMAGE_SIZE, length -= DAMAGE_SIZE) {
    size_t at = ((size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2]) % (writer->size - 5);
    memcpy(writer->bytes + at, bytes + 3, DAMAGE_SIZE - 3);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length == 0)
    return 0;
  WalWriter writer;
  wal_writer_init(&writer, 7 * (Lsn)SEGMENT, SEGMENT, SEGMENTS);
  write_records(&writer, bytes[0]);
  Lsn start = writer.starts[0];
  Lsn whole = walk(&writer, start);
  damage(&writer, bytes + 1, length - 1);
  HOLDS(walk(&writer, start) <= whole);
  wal_writer_release(&writer);
  return 0;
}
