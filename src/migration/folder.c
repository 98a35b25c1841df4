/* Reads a folder of migrations without following links, bounded in number and size; and makes new
 * files in it. */
#include "core/io.h"
#include "core/str.h"
#include "migration/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_LIMIT = 3, FILE_LIMIT = 16 * 1024 * 1024 };

void migration_files_add(MigrationFiles *files, const char *path, const char *text, size_t length) {
  if ((files->count & (files->count + 1)) == 0) /* 0, 1, 3, 7, ...: room for twice as many */
    files->files = mem_resize(files->files, 2 * files->count + 2, sizeof *files->files);
  files->files[files->count++] = (MigrationFile){str_dup(path), str_ndup(text, length)};
}

void migration_files_release(MigrationFiles *files) {
  for (size_t at = 0; at < files->count; at++) {
    str_free(files->files[at].path);
    str_free(files->files[at].text);
  }
  mem_free(files->files);
  *files = (MigrationFiles){0};
}

static int compare_files(const void *left, const void *right) {
  return strcmp(((const MigrationFile *)left)->path, ((const MigrationFile *)right)->path);
}

typedef struct Reading {
  MigrationFiles *files;
  size_t bytes;
} Reading;

static bool is_wanted(const char *name) {
  return str_ends(name, ".sql") || str_ends(name, ".sql.conf") || str_equal(name, "metadata.toml");
}

static bool check_text(const char *path, const char *text, size_t length, Error *err) {
  AUTO(json_free) json_t *value = json_stringn(text, length);
  if (memchr(text, '\0', length) != NULL || value == NULL)
    return error_set(err, ERROR_MIGRATION_INVALID, "%.300s is not text in UTF-8", path);
  return true;
}

static bool read_whole(int fd, const char *path, size_t length, char *text, Error *err) {
  return io_pread(fd, text, length, 0, err) || error_prefix(err, "%.300s", path);
}

static bool read_one(Reading *reading, int fd, const char *path, Error *err) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    return error_set_errno(err, errno, "%.300s", path);
  size_t length = (size_t)status.st_size;
  reading->bytes += length;
  if (length > FILE_LIMIT || reading->bytes > MIGRATION_BYTES_LIMIT ||
      reading->files->count >= MIGRATION_FILES_LIMIT)
    return error_set(err, ERROR_TOO_LARGE,
                     "%.300s: a migration has at most %d MB, a folder %d MB in %d files", path,
                     FILE_LIMIT >> 20, MIGRATION_BYTES_LIMIT >> 20, MIGRATION_FILES_LIMIT);
  AUTO(str_free) char *text = mem_new(length + 1, 1);
  if (!read_whole(fd, path, length, text, err) || !check_text(path, text, length, err))
    return false;
  migration_files_add(reading->files, path, text, length);
  return true;
}

static bool read_directory(Reading *reading, int fd, const char *path, int depth, Error *err);

/* A link that leads to nothing of ours is somebody's slip or trick: it is named, not followed. */
static bool refuse_open(const char *path, Error *err) {
  if (errno != ELOOP && errno != ENOTDIR)
    return error_set_errno(err, errno, "%.300s", path);
  return error_set(err, ERROR_MIGRATION_INVALID, "%.300s is a link, which is not followed", path);
}

static bool read_entry(Reading *reading, int directory, const char *name, const char *path,
                       int depth, Error *err) {
  struct stat status;
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return error_set_errno(err, errno, "%.300s", path);
  bool is_folder = S_ISDIR(status.st_mode);
  if (!is_folder && !is_wanted(name))
    return true;
  if (is_folder && depth >= DEPTH_LIMIT)
    return true;
  AUTO_RELEASE(fd_release)
  int fd = openat(directory, name,
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (is_folder ? O_DIRECTORY : 0));
  if (fd < 0)
    return refuse_open(path, err);
  if (!is_folder && !S_ISREG(status.st_mode))
    return error_set(err, ERROR_MIGRATION_INVALID, "%.300s is not a plain file", path);
  return is_folder ? read_directory(reading, fd, path, depth + 1, err)
                   : read_one(reading, fd, path, err);
}

static void close_directory(DIR *directory) {
  if (directory != NULL)
    (void)closedir(directory);
}
DEFINE_AUTO(DIR *, close_directory)

static bool read_directory(Reading *reading, int fd, const char *path, int depth, Error *err) {
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  AUTO(close_directory) DIR *directory = own >= 0 ? fdopendir(own) : NULL;
  if (directory == NULL)
    return error_set_errno(err, errno, "%.300s", path);
  const struct dirent *entry = NULL;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] == '.')
      continue;
    AUTO(str_free)
    char *below = path[0] != '\0' ? path_join(path, entry->d_name) : str_dup(entry->d_name);
    if (!read_entry(reading, fd, entry->d_name, below, depth, err))
      return false;
  }
  return true;
}

bool migration_files_read(const char *folder, MigrationFiles *ret, Error *err) {
  MigrationFiles files = {0};
  Reading reading = {.files = &files};
  AUTO_RELEASE(fd_release) int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (fd < 0) {
    (void)error_set(err, ERROR_NOTHING_TO_DO, "the folder %.300s can't be read: %s", folder,
                    strerror(errno));
    return error_hint(err, "name the folder with --dir, or make it: `bough migrate new NAME`");
  }
  if (!read_directory(&reading, fd, "", 1, err)) {
    migration_files_release(&files);
    return false;
  }
  if (files.count > 0)
    qsort(files.files, files.count, sizeof *files.files, compare_files);
  *ret = files;
  return true;
}

/* ---- new ones ---- */

static bool check_name(const char *name, Error *err) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  size_t length = strlen(name);
  if (length > 0 && length <= 100 && strspn(name, allowed) == length)
    return true;
  return error_set(err, ERROR_INVALID_NAME,
                   "a migration's name has 1 to 100 letters, digits, '_' or '-'");
}

static bool make_file(const char *path, const char *text, Error *err) {
  AUTO_RELEASE(fd_release)
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0)
    return error_set_errno(err, errno, "%.300s", path);
  return io_write(fd, text, strlen(text), err);
}

bool migration_new(const char *folder, const char *name, json_t **ret, Error *err) {
  char version[32];
  struct tm utc;
  time_t now = time(NULL);
  if (!check_name(name, err) || !io_make_directories(folder, 0777, err))
    return false;
  (void)strftime(version, sizeof version, "%Y%m%d%H%M%S", gmtime_r(&now, &utc));
  AUTO(str_free) char *up = str_format("%s/%s_%s.sql", folder, version, name);
  AUTO(str_free) char *down = str_format("%s/%s_%s.undo.sql", folder, version, name);
  if (!make_file(up, "-- What this migration changes.\n", err) ||
      !make_file(down, "-- What takes the change back, with the data that was there.\n", err))
    return false;
  *ret = json_pack("{s:s, s:[s, s]}", "version", version, "files", up, down);
  return true;
}
