/* The file that makes a directory a pool: POOL/bough-pool.json. What has none is never changed. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/name.h"

#define POOL_MARKER "bough-pool.json"

typedef struct PoolMarker {
  char id[ID_SIZE]; /* pool-..., for life */
  char driver[16];
  bool quota;   /* made with simple quotas: can tell what a volume has written */
  bool reflink; /* files can share blocks here: proved when the pool was made */
} PoolMarker;

/* Fails with ERROR_POOL_MISSING when there is none in that directory, or none that can be read. */
CHECKED bool marker_read(const char *pool, PoolMarker *ret, Error *err);
CHECKED bool marker_write(const char *pool, const PoolMarker *marker, Error *err);
