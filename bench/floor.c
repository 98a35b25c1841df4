/* The least that "branch, start, read a row" can cost on this machine, with nothing around it: one
 * snapshot ioctl, the log from the redo point to the flush position, exec of postgres, a first
 * query. bench-floor -s DATA -l LOG -d DIRECTORY -L LOG_DIRECTORY -f CONFIG -u UID -c CONNINFO -D
 * DATABASE -U USER -q SQL -b BIN DATA and LOG are those of a running source, which CONNINFO
 * reaches; DIRECTORY is made, on the same btrfs. Prints milliseconds: snapshot, copy of the log,
 * exec to first row, and all together. Needs root, and runs postgres as UID. Proves nothing about
 * the copy: that is what Bough adds. */
#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/control.h"
#include "pg/wal.h"

#include <btrfsutil.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, COPY_SIZE = 1 << 20 };

typedef struct Floor {
  const char *source_data, *source_log, *directory, *log_directory, *config, *conninfo, *database,
      *user, *sql, *bin;
  uid_t uid;
  PGconn *source;
  pid_t postgres;
} Floor;

static void die(const char *what) {
  (void)fprintf(stderr, "bench-floor: %s\n", what);
  exit(1);
}

static void read_options(int argc, char **argv, Floor *floor) {
  for (int option; (option = getopt(argc, argv, "s:l:d:L:f:u:c:D:U:q:b:")) != -1;) {
    switch (option) {
    case 's':
      floor->source_data = optarg;
      break;
    case 'l':
      floor->source_log = optarg;
      break;
    case 'd':
      floor->directory = optarg;
      break;
    case 'L':
      floor->log_directory = optarg;
      break;
    case 'f':
      floor->config = optarg;
      break;
    case 'u':
      floor->uid = (uid_t)atoi(optarg);
      break;
    case 'c':
      floor->conninfo = optarg;
      break;
    case 'D':
      floor->database = optarg;
      break;
    case 'U':
      floor->user = optarg;
      break;
    case 'q':
      floor->sql = optarg;
      break;
    case 'b':
      floor->bin = optarg;
      break;
    default:
      die("unknown option");
    }
  }
  if (floor->source_data == NULL || floor->source_log == NULL || floor->directory == NULL ||
      floor->log_directory == NULL || floor->config == NULL || floor->conninfo == NULL ||
      floor->database == NULL || floor->user == NULL || floor->sql == NULL || floor->bin == NULL)
    die("all options are needed");
}

/* The directories exist before the clock starts: they are not what a branch costs. */
static void prepare(const Floor *floor) {
  if (mkdir(floor->directory, 0700) != 0 || mkdir(floor->log_directory, 0700) != 0 ||
      chown(floor->directory, floor->uid, (gid_t)-1) != 0 ||
      chown(floor->log_directory, floor->uid, (gid_t)-1) != 0)
    die("the directories can't be made");
  AUTO(str_free) char *link = path_join(floor->directory, "wal");
  AUTO(str_free) char *hba = path_join(floor->directory, "hba");
  if (symlink(floor->log_directory, link) != 0 ||
      !io_write_file(hba, "local all all trust\n", strlen("local all all trust\n"), 0644, NULL))
    die("the directories can't be filled");
}

static void take_snapshot(const Floor *floor, const char *data) {
  if (btrfs_util_create_snapshot(floor->source_data, data, 0, NULL, NULL) != BTRFS_UTIL_OK)
    die("no snapshot");
}

static Lsn flush_position(PGconn *source) {
  PGresult *rows = PQexec(source, "select pg_catalog.pg_current_wal_flush_lsn()");
  Lsn lsn = 0;
  if (PQntuples(rows) != 1 || !lsn_parse(PQgetvalue(rows, 0, 0), &lsn, NULL))
    die("the source has no flush position");
  PQclear(rows);
  return lsn;
}

static void copy_range(int from, int to, uint64_t start, uint64_t end) {
  off_t in = (off_t)start;
  off_t out = (off_t)start;
  while ((uint64_t)in < end)
    if (copy_file_range(from, &in, to, &out, end - (uint64_t)in, 0) <= 0)
      die("the log can't be copied");
}

/* One segment: its first page, which PostgreSQL validates, and [start, end) of it. */
static void copy_segment(const Floor *floor, const char *name, uint64_t start, uint64_t end,
                         uint64_t size) {
  AUTO(str_free) char *from_path = path_join(floor->source_log, name);
  AUTO(str_free) char *to_path = path_join(floor->log_directory, name);
  AUTO_RELEASE(fd_release) int from = open(from_path, O_RDONLY | O_CLOEXEC);
  AUTO_RELEASE(fd_release) int to = open(to_path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (from < 0 || to < 0 || ftruncate(to, (off_t)size) != 0 ||
      fchown(to, floor->uid, (gid_t)-1) != 0)
    die("a segment can't be made");
  copy_range(from, to, 0, WAL_PAGE_SIZE);
  copy_range(from, to, start, end);
  (void)fsync(to);
}

static void copy_log(const Floor *floor, const char *data, Lsn end) {
  Control control;
  Error err = ERROR_INIT;
  if (!control_read(data, &control, &err))
    die(err.message);
  uint64_t size = control.wal_segment_size;
  for (Lsn segment = control.redo / size * size; segment < end; segment += size) {
    char name[WAL_FILE_NAME_SIZE];
    wal_file_name(control.timeline, segment, control.wal_segment_size, name);
    uint64_t start =
        segment < control.redo ? (control.redo - segment) / WAL_PAGE_SIZE * WAL_PAGE_SIZE : 0;
    uint64_t stop = end - segment < size
                        ? (end - segment + WAL_PAGE_SIZE - 1) / WAL_PAGE_SIZE * WAL_PAGE_SIZE
                        : size;
    copy_segment(floor, name, start, stop, size);
  }
}

static void start_postgres(Floor *floor, const char *data) {
  AUTO(str_free) char *program = path_join(floor->bin, "postgres");
  AUTO(str_free) char *pid_file = path_join(data, "postmaster.pid");
  AUTO(str_free) char *hba = str_format("hba_file=%s/hba", floor->directory);
  AUTO(str_free) char *sockets = str_format("unix_socket_directories=%s", floor->directory);
  AUTO(str_free) char *config = str_format("config_file=%s", floor->config);
  AUTO(str_free) char *log = path_join(floor->directory, "log");
  (void)unlink(pid_file);
  floor->postgres = fork();
  if (floor->postgres != 0)
    return;
  const struct passwd *account = getpwuid(floor->uid);
  if (freopen(log, "w", stderr) == NULL || account == NULL || setgid(account->pw_gid) != 0 ||
      setuid(floor->uid) != 0)
    _exit(1);
  (void)execl(program, "postgres", "-D", data, "-c", config, "-c", hba, "-c", sockets, "-c",
              "port=5432", "-c", "logging_collector=off", "-c", "fsync=on", "-c",
              "full_page_writes=on", (char *)NULL);
  _exit(1);
}

static void read_first_row(const Floor *floor) {
  const char *keywords[] = {"host", "port", "dbname", "user", NULL};
  const char *values[] = {floor->directory, "5432", floor->database, floor->user, NULL};
  int64_t patience = clock_monotonic_ms() + PATIENCE_MS;
  PGconn *conn = PQconnectdbParams(keywords, values, 0);
  while (PQstatus(conn) != CONNECTION_OK) {
    if (clock_monotonic_ms() > patience)
      die(PQerrorMessage(conn));
    PQfinish(conn);
    clock_sleep_ms(1);
    conn = PQconnectdbParams(keywords, values, 0);
  }
  PGresult *rows = PQexec(conn, floor->sql);
  if (PQresultStatus(rows) != PGRES_TUPLES_OK)
    die(PQerrorMessage(conn));
  PQclear(rows);
  PQfinish(conn);
}

static void clear_away(const Floor *floor, const char *data) {
  (void)kill(floor->postgres, SIGQUIT);
  (void)waitpid(floor->postgres, NULL, 0);
  (void)btrfs_util_delete_subvolume(data, 0);
  (void)!io_remove_tree(floor->directory, NULL);
  (void)!io_remove_tree(floor->log_directory, NULL);
}

static double since(int64_t start) {
  return (double)(clock_monotonic_us() - start) / 1000.0;
}

int main(int argc, char **argv) {
  Floor floor = {0};
  read_options(argc, argv, &floor);
  floor.source = PQconnectdb(floor.conninfo);
  if (PQstatus(floor.source) != CONNECTION_OK)
    die(PQerrorMessage(floor.source));
  prepare(&floor);
  AUTO(str_free) char *data = path_join(floor.directory, "data");

  int64_t start = clock_monotonic_us();
  take_snapshot(&floor, data);
  double snapshot = since(start);
  copy_log(&floor, data, flush_position(floor.source));
  double log = since(start);
  start_postgres(&floor, data);
  read_first_row(&floor);
  double all = since(start);

  clear_away(&floor, data);
  PQfinish(floor.source);
  (void)printf("%.2f %.2f %.2f %.2f\n", snapshot, log - snapshot, all - log, all);
  return 0;
}
