/* Failure points: named places where tests kill, fail or delay an operation. See failpoint.def. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <sys/types.h>

typedef enum FailpointId {
#define FAILPOINT(name, text, where) FAILPOINT_##name,
#include "core/failpoint.def"
#undef FAILPOINT
  FAILPOINT_COUNT_
} FailpointId;

typedef struct FailpointInfo {
  const char *name;
  const char *where;
} FailpointInfo;

const FailpointInfo *failpoint_info(FailpointId id);

/* Passes unless BOUGH_FAILPOINT names this point. Without that variable it costs one comparison. */
CHECKED bool failpoint_reach(FailpointId id, Error *err);

/* Whether BOUGH_FAILPOINT names this point with that action, for points that need a deed of their
 * own (WAL_BEFORE_COPY=checkpoint). */
bool failpoint_wants(FailpointId id, const char *action);

/* The process that "crash" kills first: boughd, whose workers go down with it. */
void failpoint_set_victim(pid_t pid);
