/* Walks the catalogs' files by the numbers that initdb gives. */
#include "pg/readahead.h"

#include "core/io.h"
#include "pg/dir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  DIGITS_MAX = 5,           /* of the numbers in question */
  FIRST_NORMAL_OID = 16384, /* of what was made since, in all versions (access/transam.h) */
  FILE_BYTES = 1024 * 1024, /* of each: catalogs of very many objects are read as needed */
  DATABASES = 8,
};

/* A number that initdb gave away, of a database or a file; 0: it's none. Files of the other forks,
 * and later segments, have other names. */
static int initial_number(const char *name) {
  size_t length = strspn(name, "0123456789");
  if (length == 0 || length > DIGITS_MAX || name[length] != '\0')
    return 0;
  int number = (int)strtol(name, NULL, 10);
  return number < FIRST_NORMAL_OID ? number : 0;
}

static void read_file(int directory, const char *name) {
  struct stat status;
  AUTO_RELEASE(fd_release)
  int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
    (void)posix_fadvise(fd, 0, FILE_BYTES, POSIX_FADV_WILLNEED);
}

static void read_directory(int parent, const char *name) {
  AUTO_RELEASE(dir_release) DIR *directory = NULL;
  Error ignored = ERROR_INIT;
  if (!dir_open_at(parent, name, &directory, &ignored) || directory == NULL)
    return;
  for (const char *entry; dir_next(directory, &entry, &ignored) && entry != NULL;)
    if (initial_number(entry) > 0)
      read_file(dirfd(directory), entry);
}

/* Of the databases that initdb made, or of the others; returns how many there were. */
static int read_databases(DIR *base, bool initial) {
  int count = 0;
  Error ignored = ERROR_INIT;
  rewinddir(base);
  for (const char *entry; count < DATABASES && dir_next(base, &entry, &ignored) && entry != NULL;) {
    bool is_number = entry[strspn(entry, "0123456789")] == '\0';
    if (!is_number || (initial_number(entry) > 0) != initial)
      continue;
    read_directory(dirfd(base), entry);
    count++;
  }
  return count;
}

void readahead_catalogs(const char *data_directory) {
  AUTO_RELEASE(dir_release) DIR *data = NULL;
  AUTO_RELEASE(dir_release) DIR *base = NULL;
  Error ignored = ERROR_INIT;
  if (!dir_open_at(AT_FDCWD, data_directory, &data, &ignored) || data == NULL)
    return;
  read_directory(dirfd(data), "global");
  if (dir_open_at(dirfd(data), "base", &base, &ignored) && base != NULL &&
      read_databases(base, false) == 0)
    (void)read_databases(base, true);
}
