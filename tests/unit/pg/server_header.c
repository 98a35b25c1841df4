/* Fills a pg_control by the server's own struct, for the test that decodes it by offsets. Apart
 * from the test because the server's headers and Bough's don't go together. */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/catversion.h"
#include "catalog/pg_control.h"
#include "server_header.h"

#define SET(field, value) control.field = (value)

size_t server_header_control(void *ret, size_t *ret_crc_offset) {
  ControlFileData control = {0};
  SET(system_identifier, UINT64CONST(0x1122334455667788));
  SET(pg_control_version, PG_CONTROL_VERSION);
  SET(catalog_version_no, CATALOG_VERSION_NO);
  SET(state, DB_IN_PRODUCTION);
  SET(checkPoint, UINT64CONST(0x500000160));
  SET(checkPointCopy.redo, UINT64CONST(0x500000128));
  SET(checkPointCopy.ThisTimeLineID, 7);
  SET(checkPointCopy.PrevTimeLineID, 6);
  SET(wal_level, WAL_LEVEL_LOGICAL);
  SET(MaxConnections, 101);
  SET(max_worker_processes, 102);
  SET(max_wal_senders, 103);
  SET(max_prepared_xacts, 104);
  SET(max_locks_per_xact, 105);
  SET(maxAlign, MAXIMUM_ALIGNOF);
  SET(floatFormat, FLOATFORMAT_VALUE);
  SET(blcksz, 16384);
  SET(relseg_size, RELSEG_SIZE);
  SET(xlog_blcksz, XLOG_BLCKSZ);
  SET(xlog_seg_size, 64 * 1024 * 1024);
  SET(data_checksum_version, 1);
  memcpy(ret, &control, sizeof control);
  *ret_crc_offset = offsetof(ControlFileData, crc);
  return sizeof control;
}
