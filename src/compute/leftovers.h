/* What a server that was killed leaves behind. */
#pragma once

#include "compute/compute.h"

/* Ends server processes of data that have no postmaster any more. Call it when compute_find found
 * none. */
CHECKED bool leftovers_kill(const char *data, Error *err);

/* Removes postmaster.pid and the SysV segment that it names, if nobody uses that. No process of
 * data may live. Its memory proper is anonymous and gone; nothing is in /dev/shm (conf.c). */
CHECKED bool leftovers_clear(const char *data, Error *err);

/* Removes a dead server's socket. ERROR_BRANCH_BUSY when a living one, of another volume, has it.
 */
CHECKED bool leftovers_clear_socket(const char *socket_directory, Error *err);
