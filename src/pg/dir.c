/* Opens directories without following links and reads their names. */
#include "pg/dir.h"

#include "core/io.h"

#include <errno.h>
#include <fcntl.h>

bool dir_open_at(int parent, const char *name, DIR **ret, Error *err) {
  AUTO_RELEASE(fd_release)
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
    *ret = NULL;
    return true;
  }
  DIR *directory = fd < 0 ? NULL : fdopendir(fd);
  if (directory == NULL)
    return error_set_errno(err, errno, "could not open directory \"%s\"", name);
  fd = -1; /* the stream's from here on */
  *ret = directory;
  return true;
}

void dir_release(DIR **directory) {
  if (*directory != NULL)
    (void)closedir(*directory);
  *directory = NULL;
}

bool dir_next(DIR *directory, const char **ret, Error *err) {
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(directory);
    if (entry == NULL && errno != 0)
      return error_set_errno(err, errno, "could not read a directory");
    if (entry != NULL && (str_equal(entry->d_name, ".") || str_equal(entry->d_name, "..")))
      continue;
    *ret = entry != NULL ? entry->d_name : NULL;
    return true;
  }
}
