/* The spool. */
#include "daemon/upload.h"

#include "core/io.h"
#include "core/name.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define ROOM_TO_LEAVE (1ULL << 30)

bool upload_begin(const Home *home, json_t **ret, Error *err) {
  char id[ID_SIZE];
  id_new("up", id);
  AUTO(str_free) char *path = home_path(home, "spool/%s", id);
  AUTO_RELEASE(fd_release) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_set_errno(err, errno, "could not create \"%s\"", path);
  *ret = json_pack("{s:s}", "upload", id);
  return true;
}

static bool check_room(int fd, size_t length, Error *err) {
  struct statvfs room;
  if (fstatvfs(fd, &room) != 0)
    return error_set_errno(err, errno, "could not look at the spool");
  if ((uint64_t)room.f_bavail * room.f_frsize >= ROOM_TO_LEAVE + length)
    return true;
  (void)error_set(err, ERROR_POOL_FULL, "the state directory has less than 1 GB left");
  return error_hint(err, "free some room on the host's file system");
}

bool upload_write(const Home *home, const char *upload, const char *offset, const char *bytes,
                  size_t length, json_t **ret, Error *err) {
  char *end = NULL;
  long long position = strtoll(offset, &end, 10);
  if (!id_check("up", upload))
    return error_set(err, ERROR_NOTHING_TO_DO, "no upload \"%.40s\"", upload);
  if (offset[0] == '\0' || *end != '\0' || position < 0)
    return error_set(err, ERROR_USAGE, "\"offset\" must be the number of bytes sent so far");
  AUTO(str_free) char *path = home_path(home, "spool/%s", upload);
  AUTO_RELEASE(fd_release) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &status) != 0) /* one piece at a time */
    return error_set(err, ERROR_NOTHING_TO_DO, "no upload \"%s\"", upload);
  if (status.st_size != position)
    return error_set(err, ERROR_USAGE, "upload \"%s\" has %lld bytes, not %lld", upload,
                     (long long)status.st_size, position);
  if (!check_room(fd, length, err) || !io_pwrite(fd, bytes, length, position, err))
    return false;
  *ret = json_pack("{s:I}", "size", (json_int_t)(position + (long long)length));
  return true;
}

bool upload_remove(const Home *home, const char *upload, Error *err) {
  if (!id_check("up", upload))
    return error_set(err, ERROR_NOTHING_TO_DO, "no upload \"%.40s\"", upload);
  AUTO(str_free) char *path = home_path(home, "spool/%s", upload);
  return io_remove_file(path, err);
}
