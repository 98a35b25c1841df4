/* Copies of files and trees: by reflink where the file system can, else byte by byte. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* Tries for real whether files in that directory can share blocks. A 0-byte file proves nothing:
 * where FICLONE is refused for data it may still succeed for none. Leaves nothing behind. */
CHECKED bool copy_prove_reflink(int directory, bool *ret, Error *err);

/* Copies the directory from_parent/name to to_parent/to_name, which must not exist: files with
 * their modes and holes, links as they are; sockets, pipes and devices are left out, files that
 * vanish meanwhile too. Nothing is flushed: the caller does it once for all. */
CHECKED bool copy_tree(int from_parent, const char *name, int to_parent, const char *to_name,
                       bool reflink, Error *err);
