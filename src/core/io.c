/* Whole reads, durable writes, and the removal of trees. */
#include "core/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_release(int *fd) {
  if (*fd >= 0)
    (void)close(*fd);
  *fd = -1;
}

bool io_read_file(const char *path, size_t limit, char **ret, size_t *ret_length, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  AUTO_RELEASE(buffer_release) Buffer buffer = {0};
  for (;;) {
    char chunk[16384];
    ssize_t count = read(fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not read \"%s\"", path);
    if (count == 0)
      break;
    buffer_add(&buffer, chunk, (size_t)count);
    if (buffer.length > limit)
      return error_set(err, ERROR_TOO_LARGE, "\"%s\" is larger than %zu bytes", path, limit);
  }
  if (ret_length != NULL)
    *ret_length = buffer.length;
  *ret = buffer_steal(&buffer);
  return true;
}

bool io_write(int fd, const void *bytes, size_t length, Error *err) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t count = write(fd, at, length);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not write");
    at += count;
    length -= (size_t)count;
  }
  return true;
}

bool io_pwrite(int fd, const void *bytes, size_t length, off_t offset, Error *err) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t count = pwrite(fd, at, length, offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not write");
    at += count;
    offset += count;
    length -= (size_t)count;
  }
  return true;
}

bool io_pread(int fd, void *bytes, size_t length, off_t offset, Error *err) {
  char *at = bytes;
  while (length > 0) {
    ssize_t count = pread(fd, at, length, offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not read");
    if (count == 0)
      return error_set(err, ERROR_IO, "could not read: the file ends %zu bytes early", length);
    at += count;
    offset += count;
    length -= (size_t)count;
  }
  return true;
}

bool io_fsync_path(const char *path, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) != 0)
    return error_set_errno(err, errno, "could not flush \"%s\"", path);
  return true;
}

static bool write_durably(int fd, const void *bytes, size_t length, mode_t mode, Error *err) {
  if (!io_write(fd, bytes, length, err))
    return false;
  return (fchmod(fd, mode) == 0 && fsync(fd) == 0) ||
         error_set_errno(err, errno, "could not write");
}

static bool rename_file(const char *from, const char *to, Error *err) {
  return rename(from, to) == 0 || error_set_errno(err, errno, "could not put it in its place");
}

bool io_write_file(const char *path, const void *bytes, size_t length, mode_t mode, Error *err) {
  AUTO(str_free) char *temporary = str_format("%s.%d.new", path, (int)getpid());
  (void)unlink(temporary); /* of a process that had this id before */
  AUTO_RELEASE(fd_release)
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0)
    return error_set_errno(err, errno, "could not create \"%s\"", temporary);
  if (!write_durably(fd, bytes, length, mode, err) || !rename_file(temporary, path, err)) {
    (void)unlink(temporary);
    return error_prefix(err, "\"%s\"", path);
  }
  AUTO(str_free) char *copy = str_dup(path);
  return io_fsync_path(dirname(copy), err);
}

bool io_make_directories(const char *path, mode_t mode, Error *err) {
  AUTO(str_free) char *copy = str_dup(path);
  for (char *slash = copy + 1; *copy != '\0'; slash++) {
    slash = strchrnul(slash, '/');
    char saved = *slash;
    *slash = '\0';
    if (mkdir(copy, mode) != 0 && errno != EEXIST)
      return error_set_errno(err, errno, "could not create directory \"%s\"", copy);
    *slash = saved;
    if (saved == '\0')
      break;
  }
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
    return error_set_errno(err, ENOTDIR, "\"%s\"", path);
  return true;
}

static bool remove_entry(int parent, const char *name, Error *err) {
  return unlinkat(parent, name, 0) == 0 || errno == ENOENT ||
         error_set_errno(err, errno, "could not remove \"%s\"", name);
}

static bool remove_below(int parent, const char *name, dev_t device, Error *err);

static bool remove_content(DIR *directory, dev_t device, Error *err) {
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
      continue;
    bool may_be_directory = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
    if (!(may_be_directory ? remove_below(dirfd(directory), entry->d_name, device, err)
                           : remove_entry(dirfd(directory), entry->d_name, err)))
      return false;
  }
  return true;
}

static bool remove_below(int parent, const char *name, dev_t device, Error *err) {
  AUTO_RELEASE(fd_release)
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    bool is_file = errno == ENOTDIR || errno == ELOOP;
    return is_file ? remove_entry(parent, name, err)
                   : errno == ENOENT || error_set_errno(err, errno, "could not open \"%s\"", name);
  }
  struct stat status;
  if (fstat(fd, &status) != 0)
    return error_set_errno(err, errno, "could not look at \"%s\"", name);
  if (status.st_dev != device)
    return error_set(err, ERROR_IO, "\"%s\" is another file system, left alone", name);
  DIR *directory = fdopendir(fd);
  if (directory == NULL)
    return error_set_errno(err, errno, "could not read directory \"%s\"", name);
  fd = -1; /* the directory's own from here on */
  bool ok = remove_content(directory, device, err);
  (void)closedir(directory);
  if (ok && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
    ok = error_set_errno(err, errno, "could not remove directory \"%s\"", name);
  return ok;
}

bool io_remove_tree_at(int directory, const char *name, Error *err) {
  struct stat status;
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not look at \"%s\"", name);
  return remove_below(directory, name, status.st_dev, err);
}

bool io_remove_tree(const char *path, Error *err) {
  return io_remove_tree_at(AT_FDCWD, path, err) || error_prefix(err, "%s", path);
}

bool io_remove_file(const char *path, Error *err) {
  if (unlink(path) != 0 && errno != ENOENT)
    return error_set_errno(err, errno, "could not remove \"%s\"", path);
  return true;
}

bool io_exists(const char *path) {
  return access(path, F_OK) == 0;
}

bool io_is_directory(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *path_join(const char *directory, const char *name) {
  return str_format("%s/%s", directory, name);
}

void tree_guard_release(TreeGuard *guard) {
  Error ignored = ERROR_INIT;
  if (guard->path != NULL)
    (void)!io_remove_tree(guard->path, &ignored);
  guard->path = NULL;
}
