/* Throw-away file systems. */
#include "fixture.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 16 };

char *fixture_new(void) {
  char *root = str_dup("/tmp/bough-storage-XXXXXX");
  if (mkdtemp(root) == NULL || chmod(root, 0755) != 0)
    abort();
  return root;
}

/* The last mount below root, as lines of /proc/mounts stand in the order they were made. */
static bool unmount_last(const char *root) {
  AUTO(str_free) char *text = NULL;
  AUTO(str_free) char *last = NULL;
  Error err = ERROR_INIT;
  if (!io_read_file("/proc/self/mounts", 1024 * 1024, &text, NULL, &err))
    return false;
  char *rest = text;
  for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
    (void)strsep(&line, " ");
    char *point = strsep(&line, " ");
    if (point != NULL && str_starts(point, root)) {
      str_free(last);
      last = str_dup(point);
    }
  }
  return last != NULL && umount2(last, MNT_DETACH) == 0;
}

void fixture_free(char *root) {
  Error err = ERROR_INIT;
  if (root == NULL)
    return;
  while (unmount_last(root))
    ;
  if (!io_remove_tree(root, &err))
    (void)fprintf(stderr, "could not clean up: %s\n", err.message);
  str_free(root);
}

bool fixture_run(const char *const *argv) {
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  options.timeout_ms = 60 * 1000;
  if (process_check(argv, &options, &err))
    return true;
  (void)fprintf(stderr, "# %s\n", err.message);
  return false;
}

char *fixture_mount(const char *root, const char *name, int64_t size, const char *const *mkfs,
                    const char *options) {
  AUTO(str_free) char *image = str_format("%s/%s.fs", root, name);
  AUTO(str_free) char *point = path_join(root, name);
  AUTO_RELEASE(fd_release) int fd = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, size) != 0 || mkdir(point, 0755) != 0)
    abort();
  const char *make[ARGUMENTS_MAX] = {0};
  size_t count = 0;
  for (; mkfs[count] != NULL && count < ARGUMENTS_MAX - 2; count++)
    make[count] = mkfs[count];
  make[count] = image;
  const char *mount[] = {"mount", "-o", options, image, point, NULL};
  return fixture_run(make) && fixture_run(mount) ? STEAL(point) : NULL;
}

const char *fixture_why_no_mounts(void) {
  if (geteuid() != 0)
    return "needs root";
  if (!io_exists("/dev/loop-control"))
    return "needs loop devices";
  return NULL;
}
