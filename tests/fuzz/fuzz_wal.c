/* The log reader: the input is a program that writes a log and damages it. An undamaged log is read
 * to its end; a damaged one never beyond the first damage that counts, and no input does harm. */
#include "harness/walwriter.h"
#include "pg/bytes.h"

#include <stdlib.h>

enum { SEGMENT = 1 << 20, SEGMENTS = 3, OPERATIONS_MAX = 200, OPERATION_SIZE = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct State {
  WalWriter writer;
  bool damaged;
} State;

static void damage(State *state, uint32_t position, uint8_t value) {
  state->writer.bytes[position % state->writer.size] ^= value;
  state->damaged |= value != 0;
}

/* One operation: a kind, a byte, and a number. */
static void run(State *state, const uint8_t *operation) {
  uint32_t number = bytes_u32(operation, 2);
  switch (operation[0] % 6) {
  case 0:
    (void)wal_writer_add(&state->writer, number % 300);
    break;
  case 1:
    (void)wal_writer_add(&state->writer, number % (SEGMENT + SEGMENT / 2));
    break;
  case 2:
    (void)wal_writer_switch(&state->writer);
    break;
  case 3:
    (void)wal_writer_give_up(&state->writer, number % 100000, operation[1] % 16);
    break;
  case 4: /* anywhere */
    damage(state, number, operation[1]);
    break;
  case 5: /* in the last record or page header */
    damage(state,
           (uint32_t)((number & 1) != 0 ? state->writer.previous - state->writer.base
                                        : number - number % WAL_PAGE_SIZE) +
               (number >> 8) % WAL_LONG_HEADER,
           operation[1]);
    break;
  }
}

static void check(State *state, Lsn start, Lsn limit) {
  WalSource source = wal_writer_source(&state->writer);
  WalWalk walk;
  Error err = ERROR_INIT;
  bool ok = wal_read(&source, &state->writer.log, start, limit, &walk, &err);
  if (!ok && err.code != ERROR_SNAPSHOT_INVALID)
    abort();
  if (ok && (walk.records == 0 || walk.last_record < start || walk.end <= walk.last_record ||
             walk.end > state->writer.base + state->writer.size))
    abort();
  if (state->damaged || start != state->writer.log.start || limit != 0)
    return;
  if (ok != (state->writer.count > 0))
    abort();
  if (ok && (walk.records != state->writer.count || walk.end != state->writer.at ||
             walk.last_record != state->writer.previous))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > (size_t)OPERATIONS_MAX * OPERATION_SIZE)
    return 0;
  State state = {0};
  wal_writer_init(&state.writer, 0x100000000 - SEGMENT, SEGMENT, SEGMENTS);
  for (; size >= OPERATION_SIZE; data += OPERATION_SIZE, size -= OPERATION_SIZE)
    run(&state, data);
  check(&state, state.writer.log.start, 0);
  uint64_t anywhere = 0;
  for (size_t at = 0; at < size; at++)
    anywhere = anywhere << 8 | data[at];
  check(&state, state.writer.base + anywhere % state.writer.size, state.writer.at - 100);
  check(&state, anywhere << 24, 0);
  wal_writer_release(&state.writer);
  return 0;
}
