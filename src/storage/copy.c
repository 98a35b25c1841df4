/* Copies files and trees, sharing blocks where that was proved to work. */
#include "storage/copy.h"

#include "core/io.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  DEPTH_LIMIT = 32, /* PGDATA has 3 levels; a hostile one must not eat all descriptors */
  BUFFER_SIZE = 256 * 1024,
  PROOF_SIZE = 128 * 1024,
  MODE_BITS = 0777, /* no set-user-id in a copy */
};

/* The place can't do it, for that file or at all; anything else is a failure. */
static bool means_unable(int errno_value) {
  return errno_value == EOPNOTSUPP || errno_value == EXDEV || errno_value == EINVAL ||
         errno_value == ENOTTY || errno_value == ENOSYS;
}

static bool copy_by_hand(int from, int to, off_t offset, off_t end, Error *err) {
  char *buffer = mem_new(BUFFER_SIZE, 1);
  bool ok = true;
  while (ok && offset < end) {
    size_t wanted = end - offset < BUFFER_SIZE ? (size_t)(end - offset) : BUFFER_SIZE;
    ssize_t count = pread(from, buffer, wanted, offset);
    if (count < 0)
      ok = errno == EINTR || error_set_errno(err, errno, "could not read");
    else if (count == 0)
      break; /* cut short meanwhile */
    else
      ok = io_pwrite(to, buffer, (size_t)count, offset, err);
    offset += count > 0 ? count : 0;
  }
  mem_free(buffer);
  return ok;
}

static bool copy_range(int from, int to, off_t offset, off_t end, Error *err) {
  off_t to_offset = offset;
  while (offset < end) {
    ssize_t count = copy_file_range(from, &offset, to, &to_offset, (size_t)(end - offset), 0);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && means_unable(errno))
      return copy_by_hand(from, to, offset, end, err);
    if (count < 0)
      return error_set_errno(err, errno, "could not copy");
    if (count == 0)
      break; /* cut short meanwhile */
  }
  return true;
}

/* Data only; holes stay holes. */
static bool copy_bytes(int from, int to, off_t size, Error *err) {
  if (ftruncate(to, size) != 0)
    return error_set_errno(err, errno, "could not set the size");
  off_t offset = 0;
  while (offset < size) {
    off_t data = lseek(from, offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
      break; /* nothing but a hole */
    off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
    if (hole < 0)
      return error_set_errno(err, errno, "could not find the data");
    off_t end = hole < size ? hole : size;
    if (!copy_range(from, to, data, end, err))
      return false;
    offset = hole;
  }
  return true;
}

static bool copy_content(int from, int to, off_t size, bool reflink, Error *err) {
  if (reflink && ioctl(to, FICLONE, from) == 0)
    return true;
  if (reflink && !means_unable(errno))
    return error_set_errno(err, errno, "could not clone");
  return copy_bytes(from, to, size, err);
}

static bool copy_file(int from_directory, const char *name, int to_directory, bool reflink,
                      Error *err) {
  AUTO_RELEASE(fd_release)
  int from = openat(from_directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (from < 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not open \"%s\"", name);
  struct stat status;
  AUTO_RELEASE(fd_release)
  int to = openat(to_directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0 || fstat(from, &status) != 0 || fchmod(to, status.st_mode & MODE_BITS) != 0)
    return error_set_errno(err, errno, "could not create \"%s\"", name);
  return copy_content(from, to, status.st_size, reflink, err) || error_prefix(err, "\"%s\"", name);
}

static bool copy_link(int from_directory, const char *name, int to_directory, Error *err) {
  char target[PATH_MAX];
  ssize_t length = readlinkat(from_directory, name, target, sizeof target - 1);
  if (length < 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not read link \"%s\"", name);
  target[length] = '\0';
  return symlinkat(target, to_directory, name) == 0 ||
         error_set_errno(err, errno, "could not create link \"%s\"", name);
}

typedef struct Walk {
  bool reflink;
  int depth;
} Walk;

static bool copy_directory(int from_parent, const char *name, int to_parent, const char *to_name,
                           Walk walk, Error *err);

static bool copy_entry(int from, const char *name, int to, Walk walk, Error *err) {
  struct stat status;
  if (str_equal(name, ".") || str_equal(name, ".."))
    return true;
  if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || error_set_errno(err, errno, "could not look at \"%s\"", name);
  switch (status.st_mode & S_IFMT) {
  case S_IFDIR:
    return copy_directory(from, name, to, name, walk, err);
  case S_IFREG:
    return copy_file(from, name, to, walk.reflink, err);
  case S_IFLNK:
    return copy_link(from, name, to, err);
  default:
    return true;
  }
}

static bool copy_entries(int from, int to, Walk walk, Error *err) {
  int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
  if (directory == NULL) {
    (void)error_set_errno(err, errno, "could not read the directory");
    fd_release(&fd);
    return false;
  }
  bool ok = true;
  for (struct dirent *entry; ok && (entry = readdir(directory)) != NULL;)
    ok = copy_entry(from, entry->d_name, to, walk, err);
  (void)closedir(directory);
  return ok;
}

static bool copy_directory(int from_parent, const char *name, int to_parent, const char *to_name,
                           Walk walk, Error *err) {
  if (++walk.depth > DEPTH_LIMIT)
    return error_set(err, ERROR_STORAGE_FAILED, "more than %d directories deep", DEPTH_LIMIT);
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  AUTO_RELEASE(fd_release) int from = openat(from_parent, name, flags);
  struct stat status;
  if (from < 0 || fstat(from, &status) != 0)
    return (errno == ENOENT && walk.depth > 1) ||
           error_set_errno(err, errno, "could not open \"%s\"", name);
  if (mkdirat(to_parent, to_name, 0700) != 0)
    return error_set_errno(err, errno, "could not create directory \"%s\"", to_name);
  AUTO_RELEASE(fd_release) int to = openat(to_parent, to_name, flags);
  if (to < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", to_name);
  if (!copy_entries(from, to, walk, err))
    return error_prefix(err, "%s", name);
  return fchmod(to, status.st_mode & MODE_BITS) ==
             0 || /* last: it may be one that can't be written */
         error_set_errno(err, errno, "could not set the mode of \"%s\"", to_name);
}

bool copy_tree(int from_parent, const char *name, int to_parent, const char *to_name, bool reflink,
               Error *err) {
  return copy_directory(from_parent, name, to_parent, to_name, (Walk){.reflink = reflink}, err);
}

/* An empty file that nobody sees, for the proof. */
static bool open_unnamed(int directory, int *ret, Error *err) {
  static const char name[] = ".bough-reflink-proof";
  int fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 || unlinkat(directory, name, 0) != 0) {
    (void)error_set_errno(err, errno, "could not create a file");
    fd_release(&fd);
    return false;
  }
  *ret = fd;
  return true;
}

/* After a write to the clone, both hold what they should. */
static bool prove_isolation(int original, int clone, const char *content, Error *err) {
  static const char change[] = "changed in the clone only";
  char *expected = mem_new(PROOF_SIZE, 1);
  char *seen = mem_new(PROOF_SIZE, 1);
  memcpy(expected, content, PROOF_SIZE);
  memcpy(expected + PROOF_SIZE / 2, change, sizeof change);
  bool ok = io_pwrite(clone, change, sizeof change, PROOF_SIZE / 2, err) && fsync(clone) == 0 &&
            io_pread(clone, seen, PROOF_SIZE, 0, err) && memcmp(seen, expected, PROOF_SIZE) == 0 &&
            io_pread(original, seen, PROOF_SIZE, 0, err) && memcmp(seen, content, PROOF_SIZE) == 0;
  mem_free(seen);
  mem_free(expected);
  return ok;
}

bool copy_prove_reflink(int directory, bool *ret, Error *err) {
  AUTO_RELEASE(fd_release) int original = -1;
  AUTO_RELEASE(fd_release) int clone = -1;
  AUTO_RELEASE(buffer_release) Buffer content = {0};
  while (content.length < PROOF_SIZE)
    buffer_add_format(&content, "line at byte %zu of the proof\n", content.length);
  if (!open_unnamed(directory, &original, err) || !open_unnamed(directory, &clone, err) ||
      !io_pwrite(original, content.text, PROOF_SIZE, 0, err))
    return false;
  if (fsync(original) != 0)
    return error_set_errno(err, errno, "could not flush");
  if (ioctl(clone, FICLONE, original) != 0) {
    *ret = false;
    return means_unable(errno) || error_set_errno(err, errno, "could not clone");
  }
  /* A clone that isn't right is as good as none: plain copies are slower, not wrong. */
  Error wrong = ERROR_INIT;
  *ret = prove_isolation(original, clone, content.text, &wrong);
  return true;
}
