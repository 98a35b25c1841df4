/* Finds programs and data files from where the running program lies. */
#include "core/program.h"

#include "core/str.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program's folder in the build directory. */
static const struct {
  const char *name;
  const char *folder;
} programs[] = {
    {"bough", "cli"},         {"bough-source", "cli"},   {"boughd", "daemon"},
    {"bough-lint", "cli"},    {"bough-agent", "agent"},  {"bough-setup", "setup"},
    {"bough-proxy", "proxy"}, {"pre-receive", "daemon"}, {"bough-runner", "runner"},
};

static bool own_directory(char **ret, Error *err) {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length <= 0) {
    (void)error_set_errno(err, errno, "could not read /proc/self/exe");
    return error_hint(err, "is /proc mounted?");
  }
  path[length] = '\0';
  char *slash = strrchr(path, '/');
  *ret = str_ndup(path, slash != NULL ? (size_t)(slash - path) : 0);
  return true;
}

static const char *build_folder(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(programs); at++)
    if (str_equal(programs[at].name, name))
      return programs[at].folder;
  return ".";
}

/* The first of the candidates, all owned here, that is there. */
static bool first_existing(char *const candidates[], size_t count, const char *name, char **ret,
                           Error *err) {
  char resolved[PATH_MAX]; /* without the dots, for lists of processes and units */
  for (size_t at = 0; at < count && *ret == NULL; at++)
    if (realpath(candidates[at], resolved) != NULL)
      *ret = str_dup(resolved);
  for (size_t at = 0; at < count; at++)
    str_free(candidates[at]);
  if (*ret != NULL)
    return true;
  (void)error_set(err, ERROR_IO, "\"%s\" is missing from this installation", name);
  return error_hint(err, "install Bough again");
}

bool program_path(const char *name, char **ret, Error *err) {
  AUTO(str_free) char *own = NULL;
  if (!own_directory(&own, err))
    return false;
  char *candidates[] = {
      str_format("%s/%s", own, name),                           /* beside it */
      str_format("%s/../libexec/bough/%s", own, name),          /* from bin */
      str_format("%s/../../bin/%s", own, name),                 /* from libexec/bough */
      str_format("%s/../%s/%s", own, build_folder(name), name), /* in the build directory */
      str_format("%s/../../../src/%s/%s", own, build_folder(name), name), /* from its tests */
  };
  char *found = NULL;
  if (!first_existing(candidates, ARRAY_LENGTH(candidates), name, &found, err))
    return false;
  *ret = found;
  return true;
}

bool program_data_path(const char *name, char **ret, Error *err) {
  AUTO(str_free) char *own = NULL;
  if (!own_directory(&own, err))
    return false;
  char *candidates[] = {
      str_format("%s/../share/bough/%s", own, name),
      str_format("%s/../../share/bough/%s", own, name),
      str_format("%s/../../data/%s", own, name), /* in the build directory */
      str_format("%s/../../../data/%s", own, name),
  };
  char *found = NULL;
  if (!first_existing(candidates, ARRAY_LENGTH(candidates), name, &found, err))
    return false;
  *ret = found;
  return true;
}
