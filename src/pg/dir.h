/* Reading directories of a cluster whose files strangers could have made: never through a link. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <dirent.h>

/* Opens directory name below parent (AT_FDCWD: any path). *ret is NULL when it is missing, or is
 * something else than a directory. Owned. */
CHECKED bool dir_open_at(int parent, const char *name, DIR **ret, Error *err);
void dir_release(DIR **directory);

/* The next name other than "." and "..", borrowed until the next call; *ret is NULL at the end. */
CHECKED bool dir_next(DIR *directory, const char **ret, Error *err);
