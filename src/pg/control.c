/* Decodes pg_control by offset, and reads it from beneath a server that may be writing it. */
#include "pg/control.h"

#include "core/clock.h"
#include "core/crc32c.h"
#include "core/io.h"
#include "pg/bytes.h"
#include "pg/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ControlFileData of PostgreSQL's src/include/catalog/pg_control.h, PG_CONTROL_VERSION 1300 (13 to
 * 17), as a 64-bit little-endian machine lays it out. */
enum {
  AT_SYSTEM_IDENTIFIER = 0,
  AT_VERSION = 8,
  AT_CATALOG_VERSION = 12,
  AT_STATE = 16,
  AT_CHECKPOINT = 32,
  AT_REDO = 40,     /* checkPointCopy.redo */
  AT_TIMELINE = 48, /* checkPointCopy.ThisTimeLineID */
  AT_WAL_LEVEL = 172,
  AT_MAX_CONNECTIONS = 180,
  AT_MAX_WORKER_PROCESSES = 184,
  AT_MAX_WAL_SENDERS = 188,
  AT_MAX_PREPARED_TRANSACTIONS = 192,
  AT_MAX_LOCKS_PER_TRANSACTION = 196,
  AT_MAX_ALIGN = 204,
  AT_FLOAT_FORMAT = 208,
  AT_BLOCK_SIZE = 216,
  AT_WAL_BLOCK_SIZE = 224,
  AT_WAL_SEGMENT_SIZE = 228,
  AT_CHECKSUM_VERSION = 252,
  AT_CRC = 288,
};

enum {
  CONTROL_VERSION = 1300,
  MAX_ALIGN = 8,
  SEGMENT_SIZE_MIN = 1 << 20,
  SEGMENT_SIZE_MAX = 1 << 30,
  BACKENDS_MAX = 0x3FFFF, /* MAX_BACKENDS, the upper bound of the settings that count sessions */
  LOCKS_MIN = 10,         /* of max_locks_per_transaction */
  FIRST_RECORD = 40,      /* no record starts in front of the log's first page header */
  READ_ATTEMPTS = 20,
};

static const double FLOAT_FORMAT = 1234567.0;

/* Values above INT_MAX become negative and fail the check of their range. */
static int get_int(const uint8_t *bytes, size_t at) {
  return (int)bytes_u32(bytes, at);
}

static bool is_power_between(uint32_t value, uint32_t low, uint32_t high) {
  return value >= low && value <= high && (value & (value - 1)) == 0;
}

static bool crc_matches(const uint8_t *bytes) {
  return crc32c_end(crc32c_add(CRC32C_START, bytes, AT_CRC)) == bytes_u32(bytes, AT_CRC);
}

static bool invalid(Error *err, const char *what) {
  return error_set(err, ERROR_SNAPSHOT_INVALID, "pg_control has %s", what);
}

/* What a server of this machine couldn't have written, or this program can't read. */
static bool check_layout(const uint8_t *bytes, Error *err) {
  double float_format;
  memcpy(&float_format, bytes + AT_FLOAT_FORMAT, sizeof float_format);
  if (bytes_u32(bytes, AT_MAX_ALIGN) != MAX_ALIGN || float_format != FLOAT_FORMAT)
    return invalid(err, "the layout of another kind of machine");
  if (bytes_u32(bytes, AT_WAL_BLOCK_SIZE) != WAL_PAGE_SIZE)
    return invalid(err, "a log page size other than 8 kB");
  return true;
}

static bool check_sizes(const Control *control, Error *err) {
  if (!is_power_between(control->block_size, 1024, 32768))
    return invalid(err, "an impossible block size");
  if (!is_power_between(control->wal_segment_size, SEGMENT_SIZE_MIN, SEGMENT_SIZE_MAX))
    return invalid(err, "an impossible log segment size");
  if (control->checksum_version > 1)
    return invalid(err, "an unknown version of data checksums");
  return true;
}

/* Records start at multiples of eight, after a page header, and redo never lies behind its
 * checkpoint. */
static bool check_positions(const Control *control, Error *err) {
  if (control->redo < FIRST_RECORD || control->redo > control->checkpoint ||
      control->checkpoint > INT64_MAX || control->redo % MAX_ALIGN != 0 ||
      control->checkpoint % MAX_ALIGN != 0 || control->timeline == 0)
    return invalid(err, "impossible log positions");
  return true;
}

static bool check_settings(const Control *control, Error *err) {
  const struct {
    int value, low, high;
  } ranges[] = {
      {(int)control->state, CONTROL_STARTUP, CONTROL_IN_PRODUCTION},
      {control->wal_level, 0, 2},
      {control->max_connections, 1, BACKENDS_MAX},
      {control->max_worker_processes, 0, BACKENDS_MAX},
      {control->max_wal_senders, 0, BACKENDS_MAX},
      {control->max_prepared_transactions, 0, BACKENDS_MAX},
      {control->max_locks_per_transaction, LOCKS_MIN, INT32_MAX},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(ranges); at++)
    if (ranges[at].value < ranges[at].low || ranges[at].value > ranges[at].high)
      return invalid(err, "a setting outside its range");
  return true;
}

static Control fields_of(const uint8_t *bytes) {
  return (Control){
      .system_identifier = bytes_u64(bytes, AT_SYSTEM_IDENTIFIER),
      .version = bytes_u32(bytes, AT_VERSION),
      .catalog_version = bytes_u32(bytes, AT_CATALOG_VERSION),
      .state = (ControlState)bytes_u32(bytes, AT_STATE),
      .checkpoint = bytes_u64(bytes, AT_CHECKPOINT),
      .redo = bytes_u64(bytes, AT_REDO),
      .timeline = bytes_u32(bytes, AT_TIMELINE),
      .max_connections = get_int(bytes, AT_MAX_CONNECTIONS),
      .max_worker_processes = get_int(bytes, AT_MAX_WORKER_PROCESSES),
      .max_wal_senders = get_int(bytes, AT_MAX_WAL_SENDERS),
      .max_prepared_transactions = get_int(bytes, AT_MAX_PREPARED_TRANSACTIONS),
      .max_locks_per_transaction = get_int(bytes, AT_MAX_LOCKS_PER_TRANSACTION),
      .wal_level = get_int(bytes, AT_WAL_LEVEL),
      .wal_segment_size = bytes_u32(bytes, AT_WAL_SEGMENT_SIZE),
      .block_size = bytes_u32(bytes, AT_BLOCK_SIZE),
      .checksum_version = bytes_u32(bytes, AT_CHECKSUM_VERSION),
  };
}

/* The version comes first: the CRC of another version stands elsewhere. */
bool control_decode(const void *bytes, size_t length, Control *ret, Error *err) {
  if (length != CONTROL_FILE_SIZE)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "pg_control has %zu bytes instead of %d", length,
                     CONTROL_FILE_SIZE);
  Control control = fields_of(bytes);
  if (control.version != CONTROL_VERSION)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "pg_control has version %" PRIu32 ", not %d",
                     control.version, CONTROL_VERSION);
  if (!crc_matches(bytes))
    return invalid(err, "a wrong checksum");
  if (!check_layout(bytes, err) || !check_sizes(&control, err) || !check_positions(&control, err) ||
      !check_settings(&control, err))
    return false;
  *ret = control;
  return true;
}

static bool read_bytes(const char *path, uint8_t bytes[CONTROL_FILE_SIZE], Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  if (!S_ISREG(status.st_mode) || status.st_size != CONTROL_FILE_SIZE)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "\"%s\" is not a file of %d bytes", path,
                     CONTROL_FILE_SIZE);
  return io_pread(fd, bytes, CONTROL_FILE_SIZE, 0, err);
}

/* The server writes the file in place, and a read beside a write may see some of both. Its writes
 * are short and rare, so a few more reads settle whether the checksum is wrong for good. */
bool control_read(const char *data_directory, Control *ret, Error *err) {
  AUTO(str_free) char *path = path_join(data_directory, "global/pg_control");
  uint8_t bytes[CONTROL_FILE_SIZE];
  for (int attempt = 1;; attempt++) {
    if (!read_bytes(path, bytes, err))
      return false;
    if (crc_matches(bytes) || attempt == READ_ATTEMPTS)
      break;
    clock_sleep_ms(1);
  }
  return control_decode(bytes, sizeof bytes, ret, err) || error_prefix(err, "\"%s\"", path);
}

int control_major(const Control *control) {
  static const struct {
    uint32_t catalog_version;
    int major;
  } releases[] = {
      {202007201, 13}, {202107181, 14}, {202209061, 15}, {202307071, 16}, {202406281, 17}};
  for (size_t at = 0; at < ARRAY_LENGTH(releases); at++)
    if (releases[at].catalog_version == control->catalog_version)
      return releases[at].major;
  return 0;
}
