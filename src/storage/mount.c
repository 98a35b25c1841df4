/* Loop devices and mounts by the kernel's own calls: nothing to parse, nothing left in /run. */
#include "storage/mount.h"

#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOP_TRIES = 64 }; /* others may take the free device that we were told of */

bool mount_device(const char *device, const char *mount_point, Error *err) {
  return mount(device, mount_point, "btrfs", MS_NOATIME | MS_NOSUID | MS_NODEV, MOUNT_DATA) == 0 ||
         error_set_errno(err, errno, "could not mount \"%s\" on \"%s\"", device, mount_point);
}

/* With O_DIRECT the loop device takes over the block size that direct I/O needs here. */
static bool open_image(const char *image, int *ret, Error *err) {
  int fd = open(image, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_DIRECT);
  if (fd < 0 && errno == EINVAL)
    fd = open(image, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open image \"%s\"", image);
  *ret = fd;
  return true;
}

/* One try on the device that is free just now. False with errno. */
static bool take_loop(int control, int backing, char *ret_device, size_t size, int *ret) {
  int number = ioctl(control, LOOP_CTL_GET_FREE);
  if (number < 0)
    return false;
  (void)snprintf(ret_device, size, "/dev/loop%d", number);
  AUTO_RELEASE(fd_release) int fd = open(ret_device, O_RDWR | O_CLOEXEC);
  struct loop_config config = {
      .fd = (__u32)backing,
      .info = {.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO},
  };
  if (fd < 0 || ioctl(fd, LOOP_CONFIGURE, &config) != 0)
    return false;
  *ret = fd;
  fd = -1;
  return true;
}

/* *ret keeps the device alive until it is mounted; closing it without a mount gives the device
 * back. */
static bool attach_loop(const char *image, char *ret_device, size_t size, int *ret, Error *err) {
  AUTO_RELEASE(fd_release) int backing = -1;
  if (!open_image(image, &backing, err))
    return false;
  AUTO_RELEASE(fd_release) int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0)
    return error_set_errno(err, errno, "could not open /dev/loop-control");
  for (int try = 0; try < LOOP_TRIES; try++) {
    if (take_loop(control, backing, ret_device, size, ret))
      return true;
    if (errno != EBUSY)
      break;
  }
  return error_set_errno(err, errno, "could not set up a loop device for \"%s\"", image);
}

bool mount_image(const char *image, const char *mount_point, Error *err) {
  char device[32];
  AUTO_RELEASE(fd_release) int loop = -1;
  return attach_loop(image, device, sizeof device, &loop, err) &&
         (mount_device(device, mount_point, err) || error_prefix(err, "image \"%s\"", image));
}

void mount_prefer_direct_io(const char *device) {
  if (!str_starts(device, "/dev/loop"))
    return;
  AUTO_RELEASE(fd_release) int fd = open(device, O_RDWR | O_CLOEXEC);
  if (fd >= 0)
    (void)ioctl(fd, LOOP_SET_DIRECT_IO, 1UL);
}

bool mount_is_point(const char *path) {
  struct statx status;
  return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool mount_remove(const char *path, Error *err) {
  return umount2(path, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT ||
         error_set_errno(err, errno, "could not unmount \"%s\"", path);
}
