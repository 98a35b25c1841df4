/* Locks between processes that vanish with their holder: flock on a file. */
#pragma once

#include "core/base.h"
#include "core/error.h"

typedef enum LockMode { LOCK_SHARED, LOCK_EXCLUSIVE } LockMode;

/* Takes the lock on path (made when missing, mode 0600), waiting at most timeout_ms (0: don't
 * wait). *ret is a descriptor; closing it gives the lock back. Fails with ERROR_BRANCH_BUSY when
 * somebody else keeps it. The file stays: removing it would let two holders in. */
CHECKED bool lock_take(const char *path, LockMode mode, int timeout_ms, int *ret, Error *err);
