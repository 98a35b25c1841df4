/* Methods cluster.*: new clusters on empty volumes, made by PostgreSQL's own programs. */
#include "agent/methods.h"

#include "agent/label.h"
#include "agent/session.h"
#include "compute/compute.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "pg/cleanfiles.h"
#include "pg/platform.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  INIT_LIMIT_MS = 5 * 60 * 1000,
  BACKUP_LIMIT_MS = 24 * 60 * 60 * 1000,
  CHECKSUMS_LIMIT_MS = 6 * 60 * 60 * 1000,
  PROGRESS_LINE_SIZE = 256,
  KILOBYTE = 1024,
};

static char *program(const Session *session, const char *name) {
  return path_join(session->home->postgres_bin, name);
}

/* The programs link data/pg_wal to an absolute path. A relative link resolves inside the volume, so
 * a copy of the data whose own log isn't there yet can't open this one's. */
static bool relink_log(const char *data, Error *err) {
  AUTO(str_free) char *link = path_join(data, "pg_wal");
  AUTO(str_free) char *temporary = path_join(data, "pg_wal.new");
  if (!io_remove_file(temporary, err))
    return false;
  if (symlink("../wal", temporary) != 0 || rename(temporary, link) != 0)
    return error_set_errno(err, errno, "could not link \"%s\"", link);
  return io_fsync_path(data, err);
}

bool cluster_init_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  AUTO(str_free) char *initdb = program(context, "initdb");
  if (!params_volume(context, call, NULL, &paths, err))
    return false;
  const char *const argv[] = {initdb,
                              "-D",
                              paths.data,
                              "--waldir",
                              paths.wal,
                              "--username",
                              PLATFORM_ROLE,
                              "--auth-local=peer",
                              "--auth-host=reject",
                              "--encoding=UTF8",
                              "--locale=C.UTF-8",
                              "--data-checksums",
                              "--no-instructions",
                              NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = INIT_LIMIT_MS;
  return process_check(argv, &options, err) && relink_log(paths.data, err);
}

/* pg_basebackup's progress, "  12345/67890 kB (18%), 0/1 tablespace", passed on as it comes. */
typedef struct Progress {
  const RpcCall *call;
  char line[PROGRESS_LINE_SIZE];
  size_t length;
} Progress;

static void report_line(Progress *progress) {
  int64_t done = 0;
  int64_t total = 0;
  progress->line[progress->length] = '\0';
  progress->length = 0;
  if (sscanf(progress->line, " %" SCNd64 "/%" SCNd64 " kB", &done, &total) == 2) // NOLINT
    rpc_report(progress->call, json_pack("{s:I, s:I}", "done", (json_int_t)(done * KILOBYTE),
                                         "total", (json_int_t)(total * KILOBYTE)));
}

static void take_output(void *context, const char *bytes, size_t length) {
  Progress *progress = context;
  for (size_t at = 0; at < length; at++) {
    if (bytes[at] == '\n' || bytes[at] == '\r')
      report_line(progress);
    else if (progress->length < sizeof progress->line - 1)
      progress->line[progress->length++] = bytes[at];
  }
}

/* As a line of a password file: for every host, port, database and user. */
static char *password_line(const char *password) {
  Buffer line = {0};
  buffer_add_text(&line, "*:*:*:*:");
  for (const char *c = password; *c != '\0'; c++) {
    if (*c == ':' || *c == '\\')
      buffer_add_text(&line, "\\");
    buffer_add(&line, c, 1);
  }
  buffer_add_text(&line, "\n");
  return buffer_steal(&line);
}

/* A password file without a name: it ends with the programs that hold it, however they end. */
static bool make_password_file(const char *password, int *ret, Error *err) {
  AUTO(str_free) char *line = password_line(password);
  if (strpbrk(password, "\r\n") != NULL)
    return error_set(err, ERROR_USAGE, "a password can't have a line end");
  AUTO_RELEASE(fd_release) int fd = memfd_create("bough-passfile", MFD_CLOEXEC);
  if (fd < 0 || fchmod(fd, 0600) != 0) /* libpq ignores one that others may read */
    return error_set_errno(err, errno, "could not pass the password");
  if (!io_write(fd, line, strlen(line), err))
    return false;
  *ret = fd;
  fd = -1;
  return true;
}

static bool run_basebackup(const Session *session, const RpcCall *call, const VolumePaths *paths,
                           const char *conninfo, Error *err) {
  const char *password = json_string_or(call->params, "password", NULL);
  AUTO_RELEASE(fd_release) int passfile = -1;
  AUTO(str_free) char *basebackup = program(session, "pg_basebackup");
  if (password != NULL && !make_password_file(password, &passfile, err))
    return false;
  const char *const argv[] = {basebackup,
                              "-D",
                              paths->data,
                              "--waldir",
                              paths->wal,
                              "--wal-method=stream",
                              "--checkpoint=fast",
                              "--no-manifest",
                              "--no-password",
                              "--progress",
                              "--dbname",
                              conninfo,
                              NULL};
  const char *const environment[] = {"PATH=/usr/bin:/bin",
                                     "LC_ALL=C.UTF-8",
                                     "TZ=UTC",
                                     "PGAPPNAME=bough import",
                                     "PGCONNECT_TIMEOUT=30",
                                     password != NULL ? "PGPASSFILE=/proc/self/fd/0" : NULL,
                                     NULL};
  Progress progress = {.call = call};
  ProcessOptions options = PROCESS_OPTIONS;
  options.input = passfile;
  options.environment = environment;
  options.timeout_ms = BACKUP_LIMIT_MS;
  options.on_output = take_output;
  options.output_context = &progress;
  return process_check(argv, &options, err);
}

/* What the copy must lose at once, but for the label: recovery has to start from that. */
static bool clean_copy(const char *data, Error *err) {
  AUTO(str_free) char *label = NULL;
  return label_read(data, &label, err) && clean_files(data, err) && label_write(data, label, err);
}

bool cluster_basebackup_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const char *conninfo = NULL;
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  if (!params_volume(context, call, NULL, &paths, err) ||
      !json_get_string(call->params, "conninfo", &conninfo, err))
    return false;
  if (conninfo_has_password(conninfo))
    return error_set(err, ERROR_PASSWORD_IN_CONNINFO,
                     "a connection string with a password would show up among the processes");
  return run_basebackup(context, call, &paths, conninfo, err) && relink_log(paths.data, err) &&
         clean_copy(paths.data, err);
}

static bool enable_checksums(const Session *session, const char *data, Error *err) {
  AUTO(str_free) char *checksums = program(session, "pg_checksums");
  const char *const argv[] = {checksums, "--enable", "-D", data, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = CHECKSUMS_LIMIT_MS;
  return process_check(argv, &options, err);
}

bool cluster_checksums_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Control control;
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  if (!params_volume(context, call, NULL, &paths, err) || !compute_check_stopped(paths.data, err) ||
      !control_read(paths.data, &control, err))
    return false;
  if (control.state != CONTROL_SHUTDOWNED)
    return error_set(err, ERROR_BRANCH_BUSY, "the cluster wasn't stopped cleanly");
  bool off = control.checksum_version == 0;
  if (off && !enable_checksums(context, paths.data, err))
    return false;
  *ret = json_pack("{s:b}", "enabled", off);
  return true;
}

bool cluster_single_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  const Session *session = context;
  const char *database = NULL;
  const char *sql = NULL;
  AUTO(str_free) char *output = NULL;
  AUTO_RELEASE(volume_paths_release) VolumePaths paths = {0};
  if (!params_volume(context, call, NULL, &paths, err) ||
      !json_get_string(call->params, "database", &database, err) ||
      !json_get_string(call->params, "sql", &sql, err))
    return false;
  ComputeSpec spec = {.data = paths.data, .wal = paths.wal, .directory = paths.settings};
  if (!compute_single(session->home, &spec, database, sql, &output, err))
    return false;
  json_t *text = json_string(output); /* NULL: values in another encoding */
  *ret = json_pack("{s:o}", "output", text != NULL ? text : json_string("(not UTF-8)"));
  return true;
}
