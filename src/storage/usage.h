/* What the files below a directory take, file by file. */
#pragma once

#include "storage/storage.h"

/* Fills logical, freed and extents of *ret. shares: blocks may be shared with other volumes, so
 * freed counts those only that the file system says are not (FIEMAP); unknown where it can't tell.
 * Files that vanish meanwhile are left out, and what a running server has not yet written isn't
 * seen. */
CHECKED bool usage_measure(int directory, bool shares, VolumeUsage *ret, Error *err);

/* Bytes on disk of all files below directory. */
CHECKED bool usage_on_disk(int directory, int64_t *ret, Error *err);
