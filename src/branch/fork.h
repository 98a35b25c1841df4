/* A new volume from a branch, whatever state the branch is in: the heart of create and reset. */
#pragma once

#include "branch/context.h"

typedef struct ForkResult {
  uint32_t timeline;
  Lsn lsn;  /* the source's flush position: all that was committed before is in the fork */
  Lsn redo; /* recorded range of the new volume's own log */
  Lsn end;
  int64_t unlogged; /* unlogged relations, which start empty */
} ForkResult;

/* Makes volume (an id that isn't used yet) a copy of source's present state. On success it is
 * complete, proved and durable; on failure nothing of it is left. Start and stop of the source are
 * locked out meanwhile; its sessions go on. */
CHECKED bool fork_volume(Context *context, const char *source_branch, const char *volume,
                         ForkResult *ret, Error *err);

/* Puts the result on the branch whose volume it now is: not yet clean, its own recorded range. */
void branch_take_fork(BranchRow *branch, const ForkResult *fork);
