/* The log copier: what it takes, what it refuses, and that servers recover from what it made. */
#include "core/io.h"

#include <unistd.h>

/* The copier's reads and flushes go through here, so that a test can do something between two reads
 * and see what was flushed. */
static bool hooked_pread(int fd, void *bytes, size_t length, off_t offset, Error *err);
static int hooked_fsync(int fd);
#define io_pread hooked_pread
#define fsync hooked_fsync
#include "pg/walcopy.c"
#undef io_pread
#undef fsync

#include "core/process.h"
#include "harness/cluster.h"
#include "harness/walwriter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { SEGMENT = 1 << 20, REDO_RECORD = 150, SMALL = 5000 };
static const Lsn BASE = 0x700000000;

/* A log in memory, saved to a directory, and a snapshot's control file that starts in the middle of
 * its first segment. */
typedef struct Fixture {
  char root[32];
  char *source, *target;
  WalWriter writer;
  Control control;
} Fixture;

static void make_directories(Fixture *fixture) {
  Error err = ERROR_INIT;
  (void)snprintf(fixture->root, sizeof fixture->root, "/tmp/bough-test-XXXXXX");
  assert_non_null(mkdtemp(fixture->root));
  fixture->source = path_join(fixture->root, "source");
  fixture->target = path_join(fixture->root, "target");
  assert_true(io_make_directories(fixture->source, 0700, &err));
  assert_true(io_make_directories(fixture->target, 0700, &err));
}

static int set_up(void **state) {
  Fixture *fixture = mem_new(1, sizeof *fixture);
  *state = fixture;
  make_directories(fixture);
  wal_writer_init(&fixture->writer, BASE, SEGMENT, 4);
  while (fixture->writer.count < 500)
    assert_true(wal_writer_add(&fixture->writer, SMALL));
  fixture->control = (Control){
      .system_identifier = fixture->writer.log.system_identifier,
      .timeline = fixture->writer.log.timeline,
      .wal_segment_size = SEGMENT,
      .redo = fixture->writer.starts[REDO_RECORD],
      .checkpoint = fixture->writer.starts[REDO_RECORD + 3],
  };
  return 0;
}

static int tear_down(void **state) {
  Fixture *fixture = *state;
  Error err = ERROR_INIT;
  bool removed = io_remove_tree(fixture->root, &err);
  wal_writer_release(&fixture->writer);
  str_free(fixture->source);
  str_free(fixture->target);
  mem_free(fixture);
  return removed ? 0 : -1;
}

static bool copy(Fixture *fixture, Lsn end, WalCopyResult *ret, Error *err) {
  WalCopy wanted = {fixture->source, fixture->target, &fixture->control, end};
  return wal_copy(&wanted, ret, err);
}

static void save(Fixture *fixture) {
  Error err = ERROR_INIT;
  assert_true(wal_writer_save(&fixture->writer, fixture->source, &err));
}

/* Saves the log and expects that its copy to end is refused, and why. */
static void assert_refused(Fixture *fixture, Lsn end, bool recycled_too, const char *reason) {
  save(fixture);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_false(copy(fixture, end, &result, &err));
  assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID);
  assert_int_equal(result.recycled, recycled_too);
  if (strstr(err.message, reason) == NULL)
    fail_msg("refused, but: %s", err.message);
}

static char *segment_path(const Fixture *fixture, const char *directory, Lsn position) {
  char name[WAL_FILE_NAME_SIZE];
  wal_file_name(fixture->control.timeline, position, SEGMENT, name);
  return path_join(directory, name);
}

/* Whether the copy has the log's bytes in [from, to). */
static bool has_bytes(Fixture *fixture, Lsn from, Lsn to) {
  for (Lsn page = from; page < to; page += WAL_PAGE_SIZE) {
    AUTO(str_free) char *path = segment_path(fixture, fixture->target, page);
    AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t bytes[WAL_PAGE_SIZE];
    Error err = ERROR_INIT;
    assert_true(io_pread(fd, bytes, sizeof bytes, (off_t)(page % SEGMENT), &err));
    if (memcmp(bytes, wal_writer_at(&fixture->writer, page), sizeof bytes) != 0)
      return false;
  }
  return true;
}

static void test_takes_what_is_needed(void **state) {
  Fixture *fixture = *state;
  Lsn end = fixture->writer.ends[480];
  save(fixture);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  if (!copy(fixture, end, &result, &err))
    fail_msg("%s", err.message);
  assert_int_equal(result.redo, fixture->control.redo);
  assert_int_equal(result.timeline, fixture->control.timeline);
  assert_true(result.end >= end && result.end < end + WAL_PAGE_SIZE);
  assert_false(result.recycled);

  Lsn redo_page = round_down(fixture->control.redo, WAL_PAGE_SIZE);
  Lsn end_page = round_up(end, WAL_PAGE_SIZE);
  assert_int_equal(result.bytes, WAL_PAGE_SIZE + end_page - redo_page);
  assert_true(has_bytes(fixture, BASE, BASE + WAL_PAGE_SIZE));
  assert_true(has_bytes(fixture, redo_page, end_page));
  assert_false(has_bytes(fixture, BASE + WAL_PAGE_SIZE, BASE + 2 * WAL_PAGE_SIZE));
  assert_false(has_bytes(fixture, end_page, end_page + WAL_PAGE_SIZE));

  AUTO(str_free) char *first = segment_path(fixture, fixture->target, BASE);
  struct stat status;
  assert_int_equal(stat(first, &status), 0);
  assert_int_equal(status.st_size, SEGMENT);
  assert_int_equal(status.st_mode & 07777, 0600);
  assert_true(status.st_blocks * 512 < SEGMENT / 2); /* it holds less than half of its segment */
  AUTO(str_free) char *archive_status = path_join(fixture->target, "archive_status");
  assert_true(io_is_directory(archive_status));
}

/* A record that ends where a page ends needs nothing of the next page, also when the position is
 * told with that page's header. */
static void test_end_at_a_page_boundary(void **state) {
  Fixture *fixture = *state;
  WalWriter *writer = &fixture->writer;
  Lsn boundary = round_up(writer->at, WAL_PAGE_SIZE);
  assert_true(wal_writer_add(writer, (uint32_t)(boundary - writer->at)));
  save(fixture);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_true(copy(fixture, boundary + WAL_SHORT_HEADER, &result, &err));
  assert_int_equal(result.end, boundary);
}

static void test_end_at_a_segment_switch(void **state) {
  Fixture *fixture = *state;
  assert_true(wal_writer_switch(&fixture->writer));
  Lsn end = fixture->writer.at;
  assert_int_equal(end % SEGMENT, 0);
  save(fixture);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_true(copy(fixture, end, &result, &err));
  assert_int_equal(result.end, end);
  assert_true(result.bytes < SEGMENT + SEGMENT); /* the zeros behind the switch stay a hole */
  AUTO(str_free) char *next = segment_path(fixture, fixture->target, end);
  assert_false(io_exists(next));
}

/* Full pages are flushed before their record is complete. Then the records before it are all that
 * was promised, and they are all there. */
static void test_end_inside_a_record(void **state) {
  Fixture *fixture = *state;
  WalWriter *writer = &fixture->writer;
  Lsn start = writer->at;
  assert_true(wal_writer_add(writer, 10 * WAL_PAGE_SIZE));
  Lsn boundary = round_up(start, WAL_PAGE_SIZE) + 4 * WAL_PAGE_SIZE;
  save(fixture);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  if (!copy(fixture, boundary, &result, &err))
    fail_msg("%s", err.message);
  assert_int_equal(result.end, start);
  assert_true(has_bytes(fixture, round_down(start, WAL_PAGE_SIZE), boundary));
}

static void test_end_inside_a_record_but_on_no_page_boundary(void **state) {
  Fixture *fixture = *state;
  Lsn start = fixture->writer.at;
  assert_true(wal_writer_add(&fixture->writer, 10 * WAL_PAGE_SIZE));
  assert_refused(fixture, round_up(start, WAL_PAGE_SIZE) + 3 * WAL_PAGE_SIZE + 512, false,
                 "the copied log ends at");
}

static void test_killed_source(void **state) {
  Fixture *fixture = *state;
  save(fixture);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_true(copy(fixture, 0, &result, &err));
  assert_int_equal(result.end, fixture->writer.at);
}

/* One record, the checkpoint itself, in the first page of the log. */
static void test_stopped_source(void **state) {
  Fixture *fixture = *state;
  wal_writer_release(&fixture->writer);
  wal_writer_init(&fixture->writer, BASE, SEGMENT, 1);
  assert_true(wal_writer_add(&fixture->writer, 114));
  fixture->control.redo = fixture->control.checkpoint = fixture->writer.starts[0];
  save(fixture);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_true(copy(fixture, 0, &result, &err));
  assert_int_equal(result.end, fixture->writer.at);
  assert_int_equal(result.bytes, WAL_PAGE_SIZE);
}

static void test_histories(void **state) {
  Fixture *fixture = *state;
  save(fixture);
  static const char *const names[] = {"00000002.history", "00000003.history", "0000000x.history",
                                      "00000003.history.tmp"};
  Error err = ERROR_INIT;
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++) {
    AUTO(str_free) char *path = path_join(fixture->source, names[at]);
    assert_true(io_write_file(path, names[at], strlen(names[at]), 0600, &err));
  }
  WalCopyResult result = {0};
  assert_true(copy(fixture, fixture->writer.at, &result, &err));
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++) {
    AUTO(str_free) char *path = path_join(fixture->target, names[at]);
    AUTO(str_free) char *text = NULL;
    assert_int_equal(io_read_file(path, 100, &text, NULL, NULL), at < 2);
    if (text != NULL)
      assert_string_equal(text, names[at]);
  }
}

/* Refused copies. */

static void test_cut_short(void **state) {
  Fixture *fixture = *state;
  WalWriter *writer = &fixture->writer;
  Lsn end = writer->at;
  Lsn last_page = round_down(end, WAL_PAGE_SIZE);
  memset(wal_writer_at(writer, last_page), 0, WAL_PAGE_SIZE);
  assert_refused(fixture, end, false, "the copied log ends at");
}

static void test_end_past_the_log(void **state) {
  Fixture *fixture = *state;
  assert_refused(fixture, fixture->writer.at + 8, false, "the copied log ends at");
}

static void test_end_on_a_page_past_the_log(void **state) {
  Fixture *fixture = *state;
  assert_refused(fixture, round_up(fixture->writer.at, WAL_PAGE_SIZE), false,
                 "the copied log ends at");
}

static void test_end_before_the_checkpoint(void **state) {
  Fixture *fixture = *state;
  assert_refused(fixture, fixture->control.checkpoint, false, "before the snapshot's checkpoint");
}

/* The log of a killed source ends before the checkpoint that its pg_control names. */
static void test_log_without_its_checkpoint(void **state) {
  Fixture *fixture = *state;
  *wal_writer_at(&fixture->writer, fixture->control.checkpoint + 30) ^= 1;
  assert_refused(fixture, 0, false, "the copied log ends at");
}

static void test_damaged_record(void **state) {
  Fixture *fixture = *state;
  *wal_writer_at(&fixture->writer, fixture->writer.starts[300] + 1000) ^= 1;
  assert_refused(fixture, fixture->writer.at, false, "wrong checksum");
}

static void test_redo_is_no_record(void **state) {
  Fixture *fixture = *state;
  fixture->control.redo += 8;
  assert_refused(fixture, fixture->writer.at, false, "no valid record");
}

static void test_page_of_another_timeline(void **state) {
  Fixture *fixture = *state;
  Lsn page = round_down(fixture->writer.starts[300], WAL_PAGE_SIZE);
  *wal_writer_at(&fixture->writer, page + 4) ^= 1;
  assert_refused(fixture, fixture->writer.at, false, "a wrong timeline");
}

static void test_page_of_another_address(void **state) {
  Fixture *fixture = *state;
  Lsn page = round_down(fixture->writer.starts[300], WAL_PAGE_SIZE);
  *wal_writer_at(&fixture->writer, page + 12) ^= 1;
  assert_refused(fixture, fixture->writer.at, false, "has the address");
}

/* Recovery would refuse the segment by its first page, which is far from redo's. */
static void test_first_page_of_another_cluster(void **state) {
  Fixture *fixture = *state;
  *wal_writer_at(&fixture->writer, BASE + 24) ^= 1;
  assert_refused(fixture, fixture->writer.at, false, "the system identifier of another cluster");
}

static void test_segment_of_a_wrong_size(void **state) {
  Fixture *fixture = *state;
  save(fixture);
  AUTO(str_free) char *path = segment_path(fixture, fixture->source, BASE + SEGMENT);
  assert_int_equal(truncate(path, SEGMENT - 1), 0);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_false(copy(fixture, fixture->writer.at, &result, &err));
  assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID);
}

static void test_target_not_empty(void **state) {
  Fixture *fixture = *state;
  save(fixture);
  AUTO(str_free) char *path = segment_path(fixture, fixture->target, BASE);
  Error err = ERROR_INIT;
  assert_true(io_write_file(path, "", 0, 0600, &err));
  WalCopyResult result = {0};
  assert_false(copy(fixture, fixture->writer.at, &result, &err));
  assert_int_equal(err.code, ERROR_IO);
}

/* Recycled segments. */

static void test_recycled_before(void **state) {
  Fixture *fixture = *state;
  save(fixture);
  AUTO(str_free) char *old = segment_path(fixture, fixture->source, BASE);
  AUTO(str_free) char *new = segment_path(fixture, fixture->source, BASE + 10 * SEGMENT);
  assert_int_equal(rename(old, new), 0);
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_false(copy(fixture, fixture->writer.at, &result, &err));
  assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID);
  assert_true(result.recycled);
}

/* Between the opening of a segment and the check: its name is gone, or means another file. */
static void test_recycled_meanwhile(void **state) {
  Fixture *fixture = *state;
  save(fixture);
  AUTO_RELEASE(copier_release) Copier copier = {.source = -1, .target = -1};
  Error err = ERROR_INIT;
  assert_true(open_directory(fixture->source, &copier.source, &err));
  Part part = {.segment = BASE};
  wal_file_name(fixture->control.timeline, BASE, SEGMENT, part.name);
  AUTO_RELEASE(fd_release) int fd = openat(copier.source, part.name, O_RDONLY | O_CLOEXEC);
  assert_true(is_still_named(&copier, &part, fd));
  AUTO(str_free) char *old = segment_path(fixture, fixture->source, BASE);
  AUTO(str_free) char *new = segment_path(fixture, fixture->source, BASE + 10 * SEGMENT);
  assert_int_equal(rename(old, new), 0);
  assert_false(is_still_named(&copier, &part, fd));
  assert_true(io_write_file(old, "x", 1, 0600, &err));
  assert_false(is_still_named(&copier, &part, fd));
  assert_int_equal(rename(new, old), 0);
  assert_true(is_still_named(&copier, &part, fd));
}

/* What happens right before the copier's read number moment (from 0), once. */
static struct {
  const Fixture *fixture;
  void (*deed)(const Fixture *fixture);
  int moment;
} hook;

static bool hooked_pread(int fd, void *bytes, size_t length, off_t offset, Error *err) {
  if (hook.deed != NULL && hook.moment-- == 0) {
    hook.deed(hook.fixture);
    hook.deed = NULL;
  }
  return io_pread(fd, bytes, length, offset, err);
}

/* Inodes in the order in which the copier flushed them. */
static ino_t flushed[16];
static size_t flushed_count;

static int hooked_fsync(int fd) {
  struct stat status;
  assert_int_equal(fstat(fd, &status), 0);
  if (flushed_count < ARRAY_LENGTH(flushed))
    flushed[flushed_count++] = status.st_ino;
  return fsync(fd);
}

static ino_t inode_of(const char *path) {
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  return status.st_ino;
}

/* Each segment, and then the directory that names them. */
static void test_is_flushed(void **state) {
  Fixture *fixture = *state;
  save(fixture);
  flushed_count = 0;
  WalCopyResult result = {0};
  Error err = ERROR_INIT;
  assert_true(copy(fixture, fixture->writer.at, &result, &err));
  size_t segments = 0;
  for (Lsn at = BASE; at < fixture->writer.at; at += SEGMENT) {
    AUTO(str_free) char *path = segment_path(fixture, fixture->target, at);
    assert_int_equal(flushed[segments++], inode_of(path));
  }
  assert_true(segments > 1);
  assert_int_equal(flushed[segments], inode_of(fixture->target));
  assert_int_equal(flushed_count, segments + 1);
}

/* As a server recycles a segment: the name goes, and the bytes stay until the log gets there. */
static void recycle(const Fixture *fixture) {
  AUTO(str_free) char *old = segment_path(fixture, fixture->source, BASE);
  AUTO(str_free) char *new = segment_path(fixture, fixture->source, BASE + 10 * SEGMENT);
  assert_int_equal(rename(old, new), 0);
}

static void recycle_and_overwrite(const Fixture *fixture) {
  AUTO(str_free) char *old = segment_path(fixture, fixture->source, BASE);
  AUTO_RELEASE(fd_release) int fd = open(old, O_WRONLY | O_CLOEXEC);
  recycle(fixture);
  uint8_t junk[WAL_PAGE_SIZE] = {1};
  Error err = ERROR_INIT;
  for (off_t page = 0; page < SEGMENT; page += WAL_PAGE_SIZE)
    assert_true(io_pwrite(fd, junk, sizeof junk, page, &err));
}

/* Whichever read of the first segment it comes before, the copy doesn't count. */
static void assert_recycling_is_seen(Fixture *fixture, void (*deed)(const Fixture *)) {
  enum { READS = 3 }; /* first page, and two chunks from redo on */
  for (int moment = 0; moment < READS; moment++) {
    save(fixture);
    hook.fixture = fixture;
    hook.deed = deed;
    hook.moment = moment;
    WalCopyResult result = {0};
    Error err = ERROR_INIT;
    assert_false(copy(fixture, fixture->writer.at, &result, &err));
    assert_null(hook.deed); /* it did happen */
    assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID);
    assert_true(result.recycled);
    assert_true(io_remove_tree(fixture->target, &err));
    assert_true(io_make_directories(fixture->target, 0700, &err));
  }
}

static void test_recycled_while_copying(void **state) {
  assert_recycling_is_seen(*state, recycle);
}

/* Then wrong pages are read too, which must not pass for a damaged log. */
static void test_recycled_and_overwritten_while_copying(void **state) {
  assert_recycling_is_seen(*state, recycle_and_overwrite);
}

/* Real servers. */

static void require_cluster(void) {
  const char *reason = cluster_skip_reason();
  if (reason == NULL)
    return;
  print_message("skipped: %s\n", reason);
  skip();
}

/* Copies all of a stopped or killed cluster's files but its log, which wal_copy takes, as a cluster
 * of its own. */
static Cluster *fork_cluster(Cluster *source, WalCopyResult *ret) {
  Control control;
  Error err = ERROR_INIT;
  assert_true(control_read(source->data, &control, &err));
  Cluster *fork = cluster_new_empty();
  const char *argv[] = {"cp", "-a", source->data, fork->data, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  assert_true(process_check(argv, &options, &err));
  assert_int_equal(mkdir(fork->wal, 0700), 0);
  AUTO(str_free) char *link = path_join(fork->data, "pg_wal");
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink(fork->wal, link), 0);
  WalCopy wanted = {source->wal, fork->wal, &control, 0};
  if (!wal_copy(&wanted, ret, &err))
    fail_msg("%s", err.message);
  cluster_take(fork);
  return fork;
}

static Lsn query_lsn(Cluster *cluster, const char *sql) {
  AUTO(str_free) char *text = cluster_sql(cluster, "postgres", sql);
  Lsn lsn = 0;
  Error err = ERROR_INIT;
  assert_true(lsn_parse(text, &lsn, &err));
  return lsn;
}

static void assert_count(Cluster *cluster, const char *expected) {
  AUTO(str_free) char *count = cluster_sql(cluster, "postgres", "select count(*) from t");
  assert_string_equal(count, expected);
}

static void test_servers_recover(void **state) {
  require_cluster();
  const char *arguments[] = {"--wal-segsize=1", NULL};
  AUTO(cluster_free) Cluster *source = cluster_new(arguments);
  cluster_start(source, NULL);
  cluster_exec(source, "postgres", "create table t as select generate_series(1, 50000) as x");
  cluster_kill(source);
  WalCopyResult result = {0};
  AUTO(cluster_free) Cluster *killed = fork_cluster(source, &result);
  cluster_start(killed, NULL);
  assert_count(killed, "50000");
  assert_true(query_lsn(killed, "select pg_current_wal_insert_lsn()") >= result.end);

  cluster_stop(killed);
  AUTO(cluster_free) Cluster *stopped = fork_cluster(killed, &result);
  cluster_start(stopped, NULL);
  assert_count(stopped, "50000");
  assert_true(result.bytes <= 2 * WAL_PAGE_SIZE + WAL_PAGE_SIZE);
}

/* Load that leaves all kinds of flush positions behind: short commits, records of many pages that
 * nobody waits for, switches. */
static pid_t start_load(Cluster *cluster) {
  pid_t child = fork();
  if (child != 0)
    return child;
  cluster_exec(cluster, "postgres",
               "do $$ begin for at in 1..400 loop insert into t values (at); commit;"
               " perform pg_logical_emit_message(false, 'x', repeat('y', (random() * 60000)::int));"
               " if at % 50 = 0 then perform pg_switch_wal(); end if;"
               " perform pg_sleep(0.002); end loop; end $$");
  _exit(0);
}

/* Each copy from under the running server is complete up to its flush position, or recycled. */
static void test_running_server(void **state) {
  require_cluster();
  const char *arguments[] = {"--wal-segsize=1", NULL};
  const char *settings[] = {"wal_writer_delay=1ms", "min_wal_size=2MB", "max_wal_size=4MB",
                            "wal_recycle=on", NULL};
  AUTO(cluster_free) Cluster *cluster = cluster_new(arguments);
  cluster_start(cluster, settings);
  cluster_exec(cluster, "postgres", "create table t (x int)");
  pid_t load = start_load(cluster);
  int copied = 0, recycled_count = 0, inside = 0;
  while (waitpid(load, NULL, WNOHANG) == 0) {
    Error err = ERROR_INIT;
    Control control;
    assert_true(control_read(cluster->data, &control, &err));
    Lsn end = query_lsn(cluster, "select pg_current_wal_flush_lsn()");
    AUTO(str_free) char *target = str_format("%s/copy-%d", cluster->root, copied + recycled_count);
    assert_true(io_make_directories(target, 0700, &err));
    WalCopy wanted = {cluster->wal, target, &control, end};
    WalCopyResult result = {0};
    bool ok = wal_copy(&wanted, &result, &err);
    if (!ok && !result.recycled)
      fail_msg("%s", err.message);
    copied += ok;
    recycled_count += !ok;
    inside += ok && result.end < end;
    assert_true(io_remove_tree(target, &err));
  }
  print_message("%d copied (%d ended inside a record), %d recycled\n", copied, inside,
                recycled_count);
  assert_true(copied > 0); /* how many is the machine's business */
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(test_takes_what_is_needed),
      FIXTURE_TEST(test_end_at_a_page_boundary),
      FIXTURE_TEST(test_end_at_a_segment_switch),
      FIXTURE_TEST(test_end_inside_a_record),
      FIXTURE_TEST(test_end_inside_a_record_but_on_no_page_boundary),
      FIXTURE_TEST(test_killed_source),
      FIXTURE_TEST(test_stopped_source),
      FIXTURE_TEST(test_histories),
      FIXTURE_TEST(test_cut_short),
      FIXTURE_TEST(test_end_past_the_log),
      FIXTURE_TEST(test_end_on_a_page_past_the_log),
      FIXTURE_TEST(test_end_before_the_checkpoint),
      FIXTURE_TEST(test_log_without_its_checkpoint),
      FIXTURE_TEST(test_damaged_record),
      FIXTURE_TEST(test_redo_is_no_record),
      FIXTURE_TEST(test_page_of_another_timeline),
      FIXTURE_TEST(test_page_of_another_address),
      FIXTURE_TEST(test_first_page_of_another_cluster),
      FIXTURE_TEST(test_segment_of_a_wrong_size),
      FIXTURE_TEST(test_target_not_empty),
      FIXTURE_TEST(test_is_flushed),
      FIXTURE_TEST(test_recycled_before),
      FIXTURE_TEST(test_recycled_meanwhile),
      FIXTURE_TEST(test_recycled_while_copying),
      FIXTURE_TEST(test_recycled_and_overwritten_while_copying),
      cmocka_unit_test(test_servers_recover),
      cmocka_unit_test(test_running_server),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
