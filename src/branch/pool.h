/* The storage pool as use cases see it, through the agent. */
#pragma once

#include "branch/context.h"

/* {driver, features, size, available}, owned by the caller. */
CHECKED bool pool_describe(Context *context, json_t **ret, Error *err);

CHECKED bool pool_has_feature(Context *context, const char *feature, bool *ret, Error *err);

/* Room in the file system of the state directory, where branches have their logs and the catalog
 * lies: bytes, and how many of them creates leave alone. */
typedef struct PoolHome {
  int64_t size, available, reserve;
} PoolHome;
PoolHome pool_home(const Context *context);

/* Refuses with POOL_FULL, figure and remedy, while there is still room for those who write now: a
 * parent's write in place needs new space after a snapshot, so a full pool would stop the parents,
 * and so would no room for their logs. */
CHECKED bool pool_check_room(Context *context, Error *err);
/* The same for the pool alone. */
CHECKED bool pool_check_own_room(Context *context, Error *err);

/* Bytes that creates leave alone, and below which branches are suspended. */
int64_t pool_reserve(int64_t size);
int64_t pool_critical(int64_t size);
