/* pg_control as JSON. */
#include "agent/describe.h"

#include "core/str.h"

#include <inttypes.h>

/* As pg_controldata words them. */
static const char *const states[] = {
    [CONTROL_STARTUP] = "starting up",
    [CONTROL_SHUTDOWNED] = "shut down",
    [CONTROL_SHUTDOWNED_IN_RECOVERY] = "shut down in recovery",
    [CONTROL_SHUTDOWNING] = "shutting down",
    [CONTROL_IN_CRASH_RECOVERY] = "in crash recovery",
    [CONTROL_IN_ARCHIVE_RECOVERY] = "in archive recovery",
    [CONTROL_IN_PRODUCTION] = "in production",
};

json_t *describe_lsn(Lsn lsn) {
  char text[LSN_TEXT_SIZE];
  lsn_format(lsn, text);
  return json_string(text);
}

json_t *describe_control(const Control *control) {
  AUTO(str_free) char *identifier = str_format("%" PRIu64, control->system_identifier);
  return json_pack("{s:s, s:o, s:o, s:I, s:i, s:b, s:i, s:I, s:s}", "state", states[control->state],
                   "checkpoint", describe_lsn(control->checkpoint), "redo",
                   describe_lsn(control->redo), "timeline", (json_int_t)control->timeline, "major",
                   control_major(control), "checksums", control->checksum_version != 0,
                   "max_connections", control->max_connections, "segment_size",
                   (json_int_t)control->wal_segment_size, "system_identifier", identifier);
}
