/* Results that several methods give. */
#pragma once

#include "core/json.h"
#include "pg/control.h"

/* {state, checkpoint, redo, timeline, major, checksums, max_connections, segment_size,
 * system_identifier}; log positions and the 64-bit identifier as text. Owned. */
json_t *describe_control(const Control *control);

/* A log position as text. Owned. */
json_t *describe_lsn(Lsn lsn);
