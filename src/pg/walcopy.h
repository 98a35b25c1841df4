/* Copies as much of a source's log as a snapshot of it needs to recover, and proves the copy.
 * Rules 2, 3 and 4 of a correct branch: see docs/adr on branching for each step's reason. */
#pragma once

#include "pg/control.h"

typedef struct WalCopy {
  const char *source_wal; /* directory of the source's log, possibly being written to */
  const char *target_wal; /* an empty directory of the new volume */
  const Control *control; /* decoded from the snapshot, not from the live source */
  Lsn end;                /* the flush position read after the snapshot; 0: to the last valid record
                             (the source was killed) */
} WalCopy;

typedef struct WalCopyResult {
  Lsn redo; /* where replay will start */
  Lsn end;  /* end of the last record: recovery must reach it */
  uint32_t timeline;
  uint64_t bytes; /* copied */
  bool
      recycled; /* set with failure: the source recycled a segment meanwhile; take a new snapshot */
} WalCopyResult;

/* Copies the first page of the segment of redo, then from redo's page to end's page, into sparse
 * files of full length; all *.history files; makes archive_status. Checks that each source segment
 * kept its name and inode and that each copied page carries its address and timeline; walks the
 * copy to end; fsyncs files and directories. On failure *ret is set as far as recycled goes, the
 * target may hold rests (the caller throws the volume away). */
CHECKED bool wal_copy(const WalCopy *copy, WalCopyResult *ret, Error *err);
