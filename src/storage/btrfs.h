/* What setting up a pool needs of btrfs, beside its driver (driver.h). */
#pragma once

#include "core/base.h"
#include "core/error.h"

enum { BTRFS_DEVICE_SIZE = 1025 }; /* a path with its \0, as the kernel gives it */

/* Switches simple quotas on for the file system of that directory. Needs Linux 6.7, and sets a bit
 * that older kernels refuse to mount; ERROR_UNSUPPORTED where the kernel has none. */
CHECKED bool btrfs_enable_simple_quota(int directory, Error *err);

/* The block device that the file system of that directory lies on (the first one). */
CHECKED bool btrfs_device_path(int directory, char ret[BTRFS_DEVICE_SIZE], Error *err);
