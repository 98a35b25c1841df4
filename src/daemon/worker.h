/* A worker process: answers one request at a time with blocking code. */
#pragma once

#include "core/base.h"

/* Serves frames on descriptor 0 until boughd (parent) closes it or dies. Returns the exit status.
 */
int worker_main(const char *home_root, int parent);
