/* Mounting a pool: the loop device under an image, and mount(2) with the options that a pool needs.
 */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* nodiscard: the default gives freed blocks back to the host, which punches holes into the image.
 * user_subvol_rm_allowed: an ordinary account deletes its own subvolumes. */
#define MOUNT_DATA "nodiscard,user_subvol_rm_allowed"
/* The same as options of mount(8), with the flags that mount(2) takes apart from them. */
#define MOUNT_OPTIONS MOUNT_DATA ",noatime,nosuid,nodev"

/* Mounts the btrfs on a block device. */
CHECKED bool mount_device(const char *device, const char *mount_point, Error *err);

/* Mounts the btrfs in an image file over a loop device with direct I/O, so that its pages aren't
 * cached twice. The loop device goes with the mount. */
CHECKED bool mount_image(const char *image, const char *mount_point, Error *err);

/* Switches direct I/O on for a loop device that somebody else set up: the loop option of mount(8),
 * and so a systemd mount unit, can't ask for it. Any other device, or one that can't do it, is left
 * as it is. */
void mount_prefer_direct_io(const char *device);

/* Whether something is mounted right there. */
bool mount_is_point(const char *path);

/* Unmounts; nothing there is fine. */
CHECKED bool mount_remove(const char *path, Error *err);
