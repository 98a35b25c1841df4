/* Tells whether a cluster is at rest by its control file and the tail of its log. */
#include "pg/rest.h"

#include "core/io.h"
#include "core/str.h"
#include "pg/control.h"
#include "pg/wal.h"

/* Nobody who is at rest has more behind the checkpoint: not worth reading. */
enum { TAIL_LIMIT = 64 * 1024, MAJOR = 15 };

bool cluster_rests(const char *data, const char *wal, Lsn end) {
  Control control;
  WalWalk walk;
  Error ignored = ERROR_INIT;
  AUTO(str_free) char *label = path_join(data, "backup_label");
  if (io_exists(label) || !control_read(data, &control, &ignored) ||
      control_major(&control) != MAJOR)
    return false; /* with a label its files are of different moments */
  if (end > control.redo + TAIL_LIMIT ||
      !wal_walk(wal, control.system_identifier, control.timeline, control.wal_segment_size,
                control.redo, control.redo + TAIL_LIMIT, &walk, &ignored))
    return false;
  bool is_whole = walk.end < control.redo + TAIL_LIMIT && walk.cut == 0;
  return is_whole && walk.changes == 0 && walk.last_record >= control.checkpoint &&
         (end == 0 || end == walk.end);
}
