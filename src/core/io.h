/* Files and directories: whole reads and writes, durable when asked for, never through a link that
 * somebody else could have put there. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/str.h"

#include <sys/types.h>

/* Closes what AUTO_RELEASE(fd_release) int fd = -1; holds. */
void fd_release(int *fd);

/* Reads a file of at most limit bytes; *ret is owned by the caller and ends with \0. Missing files
 * fail with ERROR_IO and errno in the message; io_exists asks first. */
CHECKED bool io_read_file(const char *path, size_t limit, char **ret, size_t *ret_length,
                          Error *err);

/* Replaces path as a whole: temporary file beside it, fsync, rename, fsync of the directory. */
CHECKED bool io_write_file(const char *path, const void *bytes, size_t length, mode_t mode,
                           Error *err);

/* All of length, or failure; a short file is a failure. */
CHECKED bool io_pread(int fd, void *bytes, size_t length, off_t offset, Error *err);
CHECKED bool io_pwrite(int fd, const void *bytes, size_t length, off_t offset, Error *err);
CHECKED bool io_write(int fd, const void *bytes, size_t length, Error *err);

CHECKED bool io_fsync_path(const char *path, Error *err); /* a file or a directory */

/* Makes path and its missing parents with mode; an existing directory is fine. */
CHECKED bool io_make_directories(const char *path, mode_t mode, Error *err);

/* Removes path and all below it without following links; a missing path is fine. Doesn't cross into
 * another file system. */
CHECKED bool io_remove_tree(const char *path, Error *err);
/* The same for name in an open directory. */
CHECKED bool io_remove_tree_at(int directory, const char *name, Error *err);

/* Removes one file or link; a missing one is fine. */
CHECKED bool io_remove_file(const char *path, Error *err);

bool io_exists(const char *path);       /* follows links */
bool io_is_directory(const char *path); /* doesn't follow links */

/* "directory/name", owned by the caller. */
char *path_join(const char *directory, const char *name);

/* Removes on scope exit: AUTO_RELEASE(tree_guard_release) TreeGuard g = {path}; g.path = NULL
 * disarms. The path is borrowed. */
typedef struct TreeGuard {
  const char *path;
} TreeGuard;
void tree_guard_release(TreeGuard *guard);
