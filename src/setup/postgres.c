/* Which PostgreSQL runs the branches: named, or the newest of Debian's, or what pg_config says. */
#include "setup/setup.h"

#include "core/io.h"
#include "core/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAJOR_MIN = 13, MAJOR_MAX = 17, TOOL_TIMEOUT_MS = 10 * 1000 };

static const char debian_directory[] = "/usr/lib/postgresql";

static const char *const needed[] = {"postgres", "initdb", "psql", "pg_dump", "pg_basebackup"};

static bool missing_hint(Error *err) {
  return error_hint(err, "install postgresql-15, or name the directory of initdb and postgres with "
                         "--postgres");
}

static bool has_programs(const char *directory, Error *err) {
  for (size_t at = 0; at < ARRAY_LENGTH(needed); at++) {
    AUTO(str_free) char *path = path_join(directory, needed[at]);
    if (access(path, X_OK) == 0)
      continue;
    (void)error_set(err, ERROR_UNSUPPORTED, "there is no %s in \"%s\"", needed[at], directory);
    return missing_hint(err);
  }
  return true;
}

/* The number behind "(PostgreSQL) "; 0 when there is none. Not as root: the program may be
 * anybody's. */
static int major_version(const char *output) {
  const char *at = strstr(output, "(PostgreSQL) ");
  return at != NULL ? atoi(at + strlen("(PostgreSQL) ")) : 0;
}

static bool become_compute(void *context) {
  const Setup *setup = context;
  return geteuid() != 0 || (setgid(setup->compute.gid) == 0 && setuid(setup->compute.uid) == 0);
}

static bool check_version(Setup *setup, const char *directory, Error *err) {
  AUTO(str_free) char *program = path_join(directory, "postgres");
  const char *argv[] = {program, "--version", NULL};
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TOOL_TIMEOUT_MS;
  options.prepare = become_compute;
  options.context = setup;
  if (!process_run(argv, &options, &result, err))
    return error_prefix(err, "as account %s", setup->compute.name);
  int major = major_version(result.output);
  if (result.status == 0 && major >= MAJOR_MIN && major <= MAJOR_MAX)
    return true;
  (void)error_set(err, ERROR_UNSUPPORTED,
                  "\"%s --version\" says \"%.80s\", not PostgreSQL %d to %d", program,
                  result.output, MAJOR_MIN, MAJOR_MAX);
  return missing_hint(err);
}

/* The highest number below /usr/lib/postgresql that Bough can use; 0: none. */
static int newest_debian_version(void) {
  DIR *directory = opendir(debian_directory);
  int newest = 0;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    int version = atoi(entry->d_name);
    AUTO(str_free) char *program = str_format("%s/%s/bin/initdb", debian_directory, entry->d_name);
    if (version >= MAJOR_MIN && version <= MAJOR_MAX && version > newest && io_exists(program))
      newest = version;
  }
  if (directory != NULL)
    (void)closedir(directory);
  return newest;
}

static bool ask_pg_config(char **ret, Error *err) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TOOL_TIMEOUT_MS;
  Error ignored = ERROR_INIT;
  const char *argv[] = {"pg_config", "--bindir", NULL};
  if (!process_run(argv, &options, &result, &ignored) || result.status != 0 ||
      result.output[0] != '/') {
    (void)error_set(err, ERROR_UNSUPPORTED, "there is no PostgreSQL on this machine");
    return missing_hint(err);
  }
  *ret = str_ndup(result.output, strcspn(result.output, "\n"));
  return true;
}

static bool find_directory(const Setup *setup, char **ret, Error *err) {
  const char *known = json_string_or(setup->config, "postgres_bin", NULL);
  int version = newest_debian_version();
  if (setup->options.postgres != NULL && setup->options.postgres[0] != '/')
    return error_set(err, ERROR_USAGE, "--postgres takes an absolute path");
  if (setup->options.postgres != NULL)
    *ret = str_dup(setup->options.postgres);
  else if (known != NULL)
    *ret = str_dup(known);
  else if (version > 0)
    *ret = str_format("%s/%d/bin", debian_directory, version);
  else
    return ask_pg_config(ret, err);
  return true;
}

bool setup_postgres(Setup *setup, Error *err) {
  AUTO(str_free) char *directory = NULL;
  if (!find_directory(setup, &directory, err) || !has_programs(directory, err) ||
      !check_version(setup, directory, err))
    return false;
  config_set(setup, "postgres_bin", json_string(directory));
  return true;
}
