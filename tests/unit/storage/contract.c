/* The contract of storage drivers, test by test. */
#include "contract.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <btrfsutil.h>
#include <cmocka.h>

enum { MEGABYTE = 1024 * 1024, ID_COUNT = 4 };

static const ContractSubject *subject;
static Pool *pool;
static unsigned features;
static Error err;

#define assert_ok(call)                                                                            \
  do {                                                                                             \
    if (!(call))                                                                                   \
      fail_msg("%s: %s", #call, err.message);                                                      \
  } while (0)
#define assert_refused(call, error_code)                                                           \
  do {                                                                                             \
    err = ERROR_INIT;                                                                              \
    assert_false(call);                                                                            \
    if (err.code != (error_code))                                                                  \
      fail_msg("%s: %s (%s)", #call, err.message, error_info(err.code)->code);                     \
  } while (0)

/* -------- helpers -------- */

static char *data_file(const char *id, const char *name) {
  AUTO(str_free) char *data = volume_data_path(pool, id);
  return path_join(data, name);
}

static void write_file(const char *id, const char *name, const char *content) {
  AUTO(str_free) char *path = data_file(id, name);
  assert_ok(io_write_file(path, content, strlen(content), 0600, &err));
}

static void assert_content(const char *id, const char *name, const char *expected) {
  AUTO(str_free) char *path = data_file(id, name);
  AUTO(str_free) char *content = NULL;
  assert_ok(io_read_file(path, MEGABYTE, &content, NULL, &err));
  assert_string_equal(content, expected);
}

/* Bytes that don't compress and differ with seed. */
static void write_bytes(const char *id, const char *name, size_t megabytes, unsigned seed) {
  AUTO(str_free) char *path = data_file(id, name);
  AUTO_RELEASE(fd_release) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  uint32_t *block = mem_new(1, MEGABYTE);
  for (size_t at = 0; at < megabytes; at++) {
    for (size_t word = 0; word < MEGABYTE / sizeof *block; word++)
      block[word] = seed = seed * 1664525U + 1013904223U;
    assert_ok(io_pwrite(fd, block, MEGABYTE, (off_t)at * MEGABYTE, &err));
  }
  mem_free(block);
  assert_int_equal(fsync(fd), 0);
}

static void new_volume(char ret[ID_SIZE]) {
  id_new("vol", ret);
  assert_ok(volume_create(pool, ret, &err));
  assert_ok(volume_attach(pool, ret, &err));
}

static void new_fork(const char *source, char ret[ID_SIZE]) {
  id_new("vol", ret);
  assert_ok(volume_fork(pool, source, ret, &err));
  assert_ok(volume_attach(pool, ret, &err));
}

static void delete_volume(const char *id) {
  assert_ok(volume_detach(pool, id, &err));
  assert_ok(volume_delete(pool, id, &err));
}

static bool is_listed(const char *id) {
  AUTO_RELEASE(volume_list_release) VolumeList list = {0};
  assert_ok(volume_list(pool, &list, &err));
  bool found = false;
  for (size_t at = 0; at < list.count; at++)
    found = found || str_equal(list.ids[at], id);
  return found;
}

static bool is_foreign(const char *name) {
  AUTO_RELEASE(volume_list_release) VolumeList list = {0};
  assert_ok(volume_list(pool, &list, &err));
  bool found = false;
  for (size_t at = 0; at < list.foreign_count; at++)
    found = found || str_equal(list.foreign[at], name);
  return found;
}

static bool path_is_there(const char *directory, const char *name) {
  AUTO(str_free) char *path = path_join(directory, name);
  struct stat status;
  return lstat(path, &status) == 0;
}

static void assert_nothing_left(const char *id) {
  AUTO(str_free) char *volumes = path_join(subject->pool_path, "volumes");
  assert_false(volume_exists(pool, id));
  assert_false(is_listed(id));
  assert_false(path_is_there(volumes, id));
  assert_false(path_is_there(subject->wal_root, id));
}

static void assert_empty(const char *path) {
  DIR *directory = opendir(path);
  assert_non_null(directory);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.')
      fail_msg("%s is left in %s", entry->d_name, path);
  (void)closedir(directory);
}

static VolumeUsage usage_of(const char *id) {
  VolumeUsage usage = {0};
  assert_ok(volume_usage(pool, id, &usage, &err));
  return usage;
}

static void sync_data(const char *id) {
  AUTO(str_free) char *path = volume_data_path(pool, id);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal(syncfs(fd), 0);
}

static int delete_all(void **state) {
  AUTO_RELEASE(volume_list_release) VolumeList list = {0};
  if (!volume_list(pool, &list, &err))
    return -1;
  for (size_t at = 0; at < list.count; at++)
    if (!volume_delete(pool, list.ids[at], &err))
      return -1;
  return 0;
}

/* -------- create -------- */

static void test_create_is_empty_and_private(void **state) {
  char id[ID_SIZE];
  struct stat status;
  new_volume(id);
  AUTO(str_free) char *data = volume_data_path(pool, id);
  AUTO(str_free) char *wal = volume_wal_path(pool, id);
  assert_int_equal(stat(data, &status), 0);
  assert_int_equal(status.st_mode, S_IFDIR | 0700);
  assert_int_equal(status.st_uid, geteuid());
  assert_int_equal(rmdir(wal), 0); /* so it was there, and empty */
  assert_int_equal(mkdir(wal, 0700), 0);
  assert_true(volume_exists(pool, id));
  assert_true(is_listed(id));
}

static void test_wal_link_leads_to_log_directory(void **state) {
  char id[ID_SIZE], fork_id[ID_SIZE];
  new_volume(id);
  AUTO(str_free) char *link = data_file(id, "pg_wal");
  assert_int_equal(symlink("../wal", link), 0);
  write_file(id, "pg_wal/mark", "parent's log");
  new_fork(id, fork_id);
  AUTO(str_free) char *mark = data_file(fork_id, "pg_wal/mark");
  assert_false(io_exists(mark)); /* the same relative link, another log */
  write_file(fork_id, "pg_wal/mark", "child's log");
  assert_content(id, "pg_wal/mark", "parent's log");
  AUTO(str_free) char *wal = volume_wal_path(pool, fork_id);
  assert_true(path_is_there(wal, "mark"));
}

static void test_nodatacow_is_set_and_inherited(void **state) {
  PoolStatus status;
  char id[ID_SIZE], fork_id[ID_SIZE];
  assert_ok(pool_status(pool, &status, &err));
  if (!str_equal(status.driver, "btrfs"))
    skip();
  new_volume(id);
  AUTO(str_free) char *directory = data_file(id, "base");
  assert_int_equal(mkdir(directory, 0700), 0);
  write_file(id, "base/file", "content");
  new_fork(id, fork_id);
  write_file(fork_id, "base/new", "content");
  static const char *const names[] = {".", "base", "base/file"};
  for (size_t at = 0; at < ARRAY_LENGTH(names) * 2; at++) {
    AUTO(str_free) char *path = data_file(at % 2 == 0 ? id : fork_id, names[at / 2]);
    AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
    int flags = 0;
    assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
    assert_true((flags & FS_NOCOW_FL) != 0);
  }
}

/* -------- fork -------- */

static void test_fork_equals_source(void **state) {
  char id[ID_SIZE], fork_id[ID_SIZE];
  struct stat source, copy;
  new_volume(id);
  write_file(id, "PG_VERSION", "15\n");
  write_bytes(id, "relation", 3, 7);
  AUTO(str_free) char *directory = data_file(id, "sub");
  AUTO(str_free) char *link = data_file(id, "link");
  AUTO(str_free) char *sparse = data_file(id, "sub/sparse");
  assert_int_equal(mkdir(directory, 0750), 0);
  assert_int_equal(chmod(directory, 0750), 0);
  assert_int_equal(symlink("/nowhere/at all", link), 0);
  write_file(id, "sub/sparse", "begin");
  assert_int_equal(truncate(sparse, 64 * MEGABYTE), 0);
  assert_int_equal(chmod(sparse, 0640), 0);
  new_fork(id, fork_id);

  AUTO(str_free) char *source_data = volume_data_path(pool, id);
  AUTO(str_free) char *fork_data = volume_data_path(pool, fork_id);
  const char *diff[] = {"diff", "-r", "--no-dereference", source_data, fork_data, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  assert_ok(process_check(diff, &options, &err));
  AUTO(str_free) char *fork_sparse = data_file(fork_id, "sub/sparse");
  AUTO(str_free) char *fork_directory = data_file(fork_id, "sub");
  assert_int_equal(stat(sparse, &source), 0);
  assert_int_equal(stat(fork_sparse, &copy), 0);
  assert_int_equal(copy.st_size, 64 * MEGABYTE);
  assert_int_equal(copy.st_mode, S_IFREG | 0640);
  assert_true(copy.st_blocks < 2048); /* the hole is still one */
  assert_int_equal(stat(fork_directory, &copy), 0);
  assert_int_equal(copy.st_mode, S_IFDIR | 0750);
  assert_int_equal(stat(fork_data, &copy), 0);
  assert_int_equal(copy.st_mode, S_IFDIR | 0700);
}

static void test_fork_is_isolated_both_ways(void **state) {
  char id[ID_SIZE], fork_id[ID_SIZE];
  new_volume(id);
  write_file(id, "kept", "old");
  write_bytes(id, "big", 1, 1);
  new_fork(id, fork_id);
  write_file(id, "kept", "parent's");
  write_file(id, "later", "parent only");
  AUTO(str_free) char *later = data_file(fork_id, "later");
  AUTO(str_free) char *big = data_file(fork_id, "big");
  assert_content(fork_id, "kept", "old");
  assert_false(io_exists(later));
  write_file(fork_id, "kept", "child's");
  assert_content(id, "kept", "parent's");
  /* In place, in the middle of blocks that both share. */
  AUTO_RELEASE(fd_release) int fd = open(big, O_RDWR | O_CLOEXEC);
  assert_ok(io_pwrite(fd, "CHANGED", 7, 500000, &err));
  assert_int_equal(fsync(fd), 0);
  AUTO(str_free) char *parent_big = data_file(id, "big");
  AUTO_RELEASE(fd_release) int parent_fd = open(parent_big, O_RDONLY | O_CLOEXEC);
  char seen[7];
  assert_ok(io_pread(parent_fd, seen, sizeof seen, 500000, &err));
  assert_memory_not_equal(seen, "CHANGED", 7);
}

static void test_fork_of_fork_of_fork(void **state) {
  char ids[ID_COUNT][ID_SIZE];
  new_volume(ids[0]);
  for (size_t at = 0; at < ID_COUNT; at++) {
    AUTO(str_free) char *content = str_format("generation %zu", at);
    write_file(ids[at], "generation", content);
    AUTO(str_free) char *own = str_format("only-%zu", at);
    write_file(ids[at], own, content);
    if (at + 1 < ID_COUNT)
      new_fork(ids[at], ids[at + 1]);
  }
  for (size_t at = 0; at < ID_COUNT; at++) {
    AUTO(str_free) char *content = str_format("generation %zu", at);
    assert_content(ids[at], "generation", content);
  }
  assert_content(ids[ID_COUNT - 1], "only-0", "generation 0");
}

static void test_fork_refuses_bad_source_and_target(void **state) {
  char id[ID_SIZE], other[ID_SIZE], missing[ID_SIZE];
  new_volume(id);
  new_volume(other);
  write_file(other, "mine", "kept");
  id_new("vol", missing);
  assert_refused(volume_fork(pool, id, other, &err), ERROR_STORAGE_FAILED);
  assert_refused(volume_fork(pool, id, id, &err), ERROR_STORAGE_FAILED);
  assert_refused(volume_create(pool, other, &err), ERROR_STORAGE_FAILED);
  assert_content(other, "mine", "kept");
  char fresh[ID_SIZE];
  id_new("vol", fresh);
  assert_refused(volume_fork(pool, missing, fresh, &err), ERROR_STORAGE_FAILED);
  assert_nothing_left(fresh);
  assert_nothing_left(missing);
}

static void test_invalid_ids_are_refused(void **state) {
  static const char *const bad[] = {
      "",
      ".",
      "..",
      "../x",
      "vol-",
      "vol-aaaaaaaaaaa",
      "vol-aaaaaaaaaaaaa",
      "vol-AAAAAAAAAAAA",
      "vol-../../../..",
      "vol-aaaa/aaaaaaa",
      "vol-aaaaaaaaaaa ",
      "vol-aaaaaaaaaaa\n",
      "br-aaaaaaaaaaaa",
      "-vol-aaaaaaaaaaaa",
      "vol-\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "vol-aaaaaaaaaaa'",
      "vol-aaaaaaaaaa%s",
  };
  char id[ID_SIZE], fresh[ID_SIZE];
  new_volume(id);
  id_new("vol", fresh);
  VolumeUsage usage;
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    assert_refused(volume_create(pool, bad[at], &err), ERROR_INVALID_NAME);
    assert_refused(volume_fork(pool, id, bad[at], &err), ERROR_INVALID_NAME);
    assert_refused(volume_fork(pool, bad[at], fresh, &err), ERROR_INVALID_NAME);
    assert_refused(volume_delete(pool, bad[at], &err), ERROR_INVALID_NAME);
    assert_refused(volume_usage(pool, bad[at], &usage, &err), ERROR_INVALID_NAME);
    assert_refused(volume_attach(pool, bad[at], &err), ERROR_INVALID_NAME);
    assert_refused(volume_detach(pool, bad[at], &err), ERROR_INVALID_NAME);
    assert_false(volume_exists(pool, bad[at]));
    assert_null(volume_data_path(pool, bad[at]));
    assert_null(volume_wal_path(pool, bad[at]));
  }
  assert_nothing_left(fresh);
}

/* One writer adds to two files in turn, each write flushed before the next. In a fork that is one
 * moment the first is equal to the second or one ahead. */
static void write_in_lockstep(const int files[2]) {
  for (uint64_t count = 1;; count++)
    for (size_t at = 0; at < 2; at++)
      if (pwrite(files[at], &count, sizeof count, 0) != (ssize_t)sizeof count ||
          fdatasync(files[at]) != 0)
        _exit(1);
}

static uint64_t read_counter(const char *id, const char *name) {
  AUTO(str_free) char *path = data_file(id, name);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  uint64_t count = 0;
  assert_ok(io_pread(fd, &count, sizeof count, 0, &err));
  return count;
}

static void test_fork_is_atomic_under_writers(void **state) {
  if ((features & STORAGE_ATOMIC) == 0)
    skip();
  enum { FORKS = 20 };
  char id[ID_SIZE], forks[FORKS][ID_SIZE];
  new_volume(id);
  write_bytes(id, "first", 1, 1);
  write_bytes(id, "second", 1, 2);
  AUTO(str_free) char *first = data_file(id, "first");
  AUTO(str_free) char *second = data_file(id, "second");
  const int files[2] = {open(first, O_RDWR | O_CLOEXEC), open(second, O_RDWR | O_CLOEXEC)};
  const uint64_t zero = 0;
  for (size_t at = 0; at < 2; at++)
    assert_ok(io_pwrite(files[at], &zero, sizeof zero, 0, &err));
  pid_t writer = fork();
  if (writer == 0)
    write_in_lockstep(files);
  for (size_t at = 0; at < FORKS; at++) {
    clock_sleep_ms(5);
    new_fork(id, forks[at]);
  }
  (void)kill(writer, SIGKILL);
  int status = 0;
  (void)waitpid(writer, &status, 0);
  (void)close(files[0]);
  (void)close(files[1]);
  assert_true(WIFSIGNALED(status)); /* it wrote to the end */
  uint64_t before = 0;
  for (size_t at = 0; at < FORKS; at++) {
    uint64_t ahead = read_counter(forks[at], "first");
    uint64_t behind = read_counter(forks[at], "second");
    if (ahead < behind || ahead > behind + 1 || ahead < before)
      fail_msg("fork %zu: %llu and %llu after %llu", at, (unsigned long long)ahead,
               (unsigned long long)behind, (unsigned long long)before);
    before = ahead;
  }
  assert_true(before > 0); /* the writer did run meanwhile */
}

/* -------- delete and list -------- */

static void test_delete_parent_keeps_children(void **state) {
  char id[ID_SIZE], child[ID_SIZE], grandchild[ID_SIZE];
  new_volume(id);
  write_file(id, "inherited", "from the parent");
  new_fork(id, child);
  new_fork(child, grandchild);
  delete_volume(id);
  assert_nothing_left(id);
  delete_volume(child);
  assert_nothing_left(child);
  assert_content(grandchild, "inherited", "from the parent");
  write_file(grandchild, "inherited", "changed");
}

static void test_delete_twice_is_fine(void **state) {
  char id[ID_SIZE];
  new_volume(id);
  write_bytes(id, "data", 1, 3);
  write_file(id, "deep", "x");
  delete_volume(id);
  delete_volume(id);
  assert_nothing_left(id);
  id_new("vol", id);
  assert_ok(volume_delete(pool, id, &err)); /* never was */
}

static void test_list_is_complete_and_sorted(void **state) {
  char ids[ID_COUNT][ID_SIZE];
  for (size_t at = 0; at < ID_COUNT; at++)
    new_volume(ids[at]);
  AUTO_RELEASE(volume_list_release) VolumeList list = {0};
  assert_ok(volume_list(pool, &list, &err));
  assert_int_equal(list.count, ID_COUNT);
  assert_int_equal(list.foreign_count, 0);
  for (size_t at = 1; at < list.count; at++)
    assert_true(strcmp(list.ids[at - 1], list.ids[at]) < 0);
  for (size_t at = 0; at < ID_COUNT; at++)
    assert_true(is_listed(ids[at]));
}

static void test_foreign_things_are_left_alone(void **state) {
  static const char *const directories[] = {"home", "volumes/vol-short", "volumes/old"};
  static const char *const files[] = {"notes", "volumes/notes", "volumes/vol-abcdefghijkl"};
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++) {
    AUTO(str_free) char *directory = path_join(subject->pool_path, directories[at]);
    AUTO(str_free) char *file = path_join(subject->pool_path, files[at]);
    assert_int_equal(mkdir(directory, 0755), 0);
    assert_ok(io_write_file(file, "mine", 4, 0644, &err));
  }
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++) {
    assert_true(is_foreign(directories[at]));
    assert_true(is_foreign(files[at]));
  }
  /* A file by the name of a volume is no volume. */
  assert_false(is_listed("vol-abcdefghijkl"));
  assert_false(volume_exists(pool, "vol-abcdefghijkl"));
  assert_refused(volume_delete(pool, "vol-abcdefghijkl", &err), ERROR_STORAGE_FAILED);
  assert_refused(volume_create(pool, "vol-abcdefghijkl", &err), ERROR_STORAGE_FAILED);
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++) {
    AUTO(str_free) char *directory = path_join(subject->pool_path, directories[at]);
    AUTO(str_free) char *file = path_join(subject->pool_path, files[at]);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(unlink(file), 0);
  }
}

static void test_foreign_subvolume_is_left_alone(void **state) {
  static const char id[] = "vol-mnopqrstuvwx";
  if ((features & STORAGE_INSTANT) == 0)
    skip(); /* no btrfs */
  AUTO(str_free) char *path = str_format("%s/volumes/%s", subject->pool_path, id);
  assert_int_equal(btrfs_util_create_subvolume(path, 0, NULL, NULL), BTRFS_UTIL_OK);
  AUTO(str_free) char *file = path_join(path, "somebody's");
  assert_ok(io_write_file(file, "mine", 4, 0644, &err));
  AUTO(str_free) char *name = path_join("volumes", id);
  assert_true(is_foreign(name));
  assert_false(is_listed(id));
  assert_refused(volume_delete(pool, id, &err), ERROR_STORAGE_FAILED);
  assert_true(io_exists(file));
  assert_int_equal(unlink(file), 0);
  assert_int_equal(rmdir(path), 0);
}

/* What a kill can leave at each step, made by hand. */
static void test_half_made_volumes_are_listed_and_deleted(void **state) {
  char source[ID_SIZE], ids[ID_COUNT][ID_SIZE], fresh[ID_SIZE];
  new_volume(source);
  id_new("vol", fresh);
  for (size_t at = 0; at < ID_COUNT; at++) {
    id_new("vol", ids[at]);
    AUTO(str_free) char *directory = str_format("%s/volumes/%s", subject->pool_path, ids[at]);
    AUTO(str_free) char *wal = path_join(subject->wal_root, ids[at]);
    AUTO(str_free) char *link = path_join(directory, "wal");
    AUTO(str_free) char *half = path_join(directory, "data.half");
    AUTO(str_free) char *file = path_join(half, "file");
    if (at != 3) /* the last one: all that a power loss kept is the log directory */
      assert_int_equal(mkdir(directory, 0700), 0);
    if (at >= 1)
      assert_int_equal(mkdir(wal, 0700), 0);
    if (at == 2) {
      assert_int_equal(symlink(wal, link), 0);
      assert_int_equal(mkdir(half, 0700), 0);
      assert_ok(io_write_file(file, "part", 4, 0600, &err));
    }
    assert_true(is_listed(ids[at]));
    assert_false(volume_exists(pool, ids[at]));
    assert_refused(volume_fork(pool, ids[at], fresh, &err), ERROR_STORAGE_FAILED);
    assert_refused(volume_fork(pool, source, ids[at], &err), ERROR_STORAGE_FAILED);
    assert_ok(volume_delete(pool, ids[at], &err));
    assert_nothing_left(ids[at]);
  }
  assert_nothing_left(fresh);
}

static void churn(const char *source) {
  for (;;) {
    char id[ID_SIZE];
    Error failure = ERROR_INIT;
    id_new("vol", id);
    if (!volume_fork(pool, source, id, &failure) || !volume_delete(pool, id, &failure))
      _exit(1);
  }
}

static void test_kill_leaves_only_what_can_be_listed(void **state) {
  enum { KILLS = 25 };
  char source[ID_SIZE];
  new_volume(source);
  for (size_t at = 0; at < 20; at++) {
    AUTO(str_free) char *name = str_format("file-%zu", at);
    write_file(source, name, "content of the source");
  }
  for (unsigned at = 0; at < KILLS; at++) {
    pid_t child = fork();
    if (child == 0)
      churn(source);
    (void)usleep(2000 + at * 977 % 9000);
    (void)kill(child, SIGKILL);
    int status = 0;
    (void)waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    AUTO_RELEASE(volume_list_release) VolumeList list = {0};
    assert_ok(volume_list(pool, &list, &err));
    assert_int_equal(list.foreign_count, 0);
    for (size_t volume = 0; volume < list.count; volume++) {
      if (str_equal(list.ids[volume], source))
        continue;
      if (volume_exists(pool, list.ids[volume])) /* then it is complete */
        assert_content(list.ids[volume], "file-19", "content of the source");
      assert_ok(volume_delete(pool, list.ids[volume], &err));
    }
  }
  AUTO(str_free) char *volumes = path_join(subject->pool_path, "volumes");
  delete_volume(source);
  assert_empty(subject->wal_root);
  assert_empty(volumes);
}

/* -------- usage -------- */

static void test_usage_of_fresh_fork(void **state) {
  char id[ID_SIZE], fork_id[ID_SIZE];
  new_volume(id);
  assert_int_equal(usage_of(id).logical, 0);
  write_bytes(id, "relation", 8, 11);
  write_file(id, "PG_VERSION", "15\n");
  new_fork(id, fork_id);
  VolumeUsage source = usage_of(id);
  VolumeUsage copy = usage_of(fork_id);
  assert_true(source.logical >= 8 * MEGABYTE && source.logical < 9 * MEGABYTE);
  assert_int_equal(copy.logical, source.logical);
  assert_int_equal(copy.wal < 65536, true);
  assert_true((features & STORAGE_FREED) != 0);
  if ((features & STORAGE_SHARES) != 0) {
    assert_true(copy.freed >= 0 && copy.freed < 65536);
    assert_true(source.freed >= 0 && source.freed < 65536);
  } else {
    assert_true(copy.freed >= 8 * MEGABYTE);
  }
}

static void test_usage_after_writes(void **state) {
  char id[ID_SIZE], fork_id[ID_SIZE];
  new_volume(id);
  write_bytes(id, "relation", 8, 21);
  int64_t alone = usage_of(id).freed;
  assert_true(alone >= 8 * MEGABYTE);
  new_fork(id, fork_id);
  VolumeUsage before = usage_of(fork_id);
  write_bytes(fork_id, "relation", 4, 22); /* over the first half */
  write_bytes(fork_id, "more", 2, 23);
  sync_data(fork_id); /* quotas are charged when a transaction commits */
  VolumeUsage after = usage_of(fork_id);
  assert_true(after.freed >= 6 * MEGABYTE);
  assert_true(after.logical >= 10 * MEGABYTE && after.logical < 11 * MEGABYTE);
  if ((features & STORAGE_SHARES) != 0)
    assert_true(after.freed < 7 * MEGABYTE);
  if ((features & STORAGE_WRITTEN) != 0) {
    assert_true(after.written - before.written >= 6 * MEGABYTE);
    assert_true(after.written - before.written < 8 * MEGABYTE);
  } else {
    assert_int_equal(after.written, STORAGE_UNKNOWN);
  }
  write_file(fork_id, "../wal/000000010000000000000001", "log");
  assert_true(usage_of(fork_id).wal > before.wal);
}

static void test_usage_counts_extents(void **state) {
  char id[ID_SIZE];
  new_volume(id);
  write_bytes(id, "relation", 2, 31);
  int64_t few = usage_of(id).extents;
  if (few == STORAGE_UNKNOWN)
    skip(); /* no FIEMAP on this file system */
  assert_true(few >= 1 && few < 100);
  AUTO(str_free) char *path = data_file(id, "relation");
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDWR | O_CLOEXEC);
  for (off_t at = 0; at < 2 * MEGABYTE; at += 16384)
    assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, 8192), 0);
  assert_int_equal(fsync(fd), 0);
  assert_true(usage_of(id).extents >= 100);
}

static void test_status_tells_room(void **state) {
  PoolStatus status;
  assert_ok(pool_status(pool, &status, &err));
  assert_true(status.size > 0 && status.available > 0 && status.available <= status.size);
  assert_string_equal(status.driver, (status.features & STORAGE_INSTANT) != 0 ? "btrfs" : "files");
}

static void test_open_refuses_another_driver(void **state) {
  PoolStatus status;
  Pool *other = NULL;
  assert_ok(pool_status(pool, &status, &err));
  const char *wrong = str_equal(status.driver, "btrfs") ? "files" : "btrfs";
  assert_refused(pool_open(wrong, subject->pool_path, subject->wal_root, &other, &err),
                 ERROR_POOL_MISSING);
  assert_refused(pool_open("rbd", subject->pool_path, subject->wal_root, &other, &err),
                 ERROR_POOL_MISSING);
  assert_refused(pool_open(status.driver, subject->wal_root, subject->wal_root, &other, &err),
                 ERROR_POOL_MISSING);
}

/* -------- a full pool -------- */

/* Big reservations first, then files so small that they take up what is left of the metadata. */
static void fill(const char *id) {
  AUTO(str_free) char *big = data_file(id, "big");
  AUTO_RELEASE(fd_release) int fd = open(big, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  off_t end = 0;
  for (off_t step = 64 * MEGABYTE; step >= 4096;) {
    if (fallocate(fd, 0, end, step) == 0)
      end += step;
    else
      step /= 2;
  }
  char content[1500];
  memset(content, 'x', sizeof content);
  for (size_t at = 0, failures = 0; at < 200000 && failures < 10; at++) {
    AUTO(str_free) char *name = str_format("small-%zu", at);
    AUTO(str_free) char *path = data_file(id, name);
    AUTO_RELEASE(fd_release) int small = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (small < 0 || write(small, content, sizeof content) < 0)
      failures++;
  }
}

static void test_full_pool_refuses_and_recovers(void **state) {
  if (!subject->small)
    skip();
  char id[ID_SIZE], fork_id[ID_SIZE];
  new_volume(id);
  fill(id);
  bool failed = false;
  for (size_t at = 0; at < 3000 && !failed; at++) {
    id_new("vol", fork_id);
    err = ERROR_INIT;
    failed = !volume_fork(pool, id, fork_id, &err);
  }
  assert_true(failed);
  if (err.code != ERROR_POOL_FULL)
    fail_msg("%s (%s)", err.message, error_info(err.code)->code);
  assert_nothing_left(fork_id);
  assert_int_equal(delete_all(NULL), 0); /* a full pool can be emptied */
  /* Freed room comes back when the file system has cleaned up behind the deletes. */
  const int64_t deadline = clock_monotonic_ms() + 30000;
  id_new("vol", id);
  while (!volume_create(pool, id, &err) && clock_monotonic_ms() < deadline) {
    assert_int_equal(err.code, ERROR_POOL_FULL);
    assert_nothing_left(id);
    clock_sleep_ms(100);
  }
  assert_true(volume_exists(pool, id));
}

static int open_subject(void **state) {
  PoolStatus status;
  if (!pool_status(pool, &status, &err))
    return -1;
  features = status.features;
  return 0;
}

int contract_run(const ContractSubject *tested) {
#define CONTRACT(name) cmocka_unit_test_teardown(name, delete_all)
  static const struct CMUnitTest tests[] = {
      CONTRACT(test_create_is_empty_and_private),
      CONTRACT(test_wal_link_leads_to_log_directory),
      CONTRACT(test_nodatacow_is_set_and_inherited),
      CONTRACT(test_fork_equals_source),
      CONTRACT(test_fork_is_isolated_both_ways),
      CONTRACT(test_fork_of_fork_of_fork),
      CONTRACT(test_fork_refuses_bad_source_and_target),
      CONTRACT(test_invalid_ids_are_refused),
      CONTRACT(test_fork_is_atomic_under_writers),
      CONTRACT(test_delete_parent_keeps_children),
      CONTRACT(test_delete_twice_is_fine),
      CONTRACT(test_list_is_complete_and_sorted),
      CONTRACT(test_foreign_things_are_left_alone),
      CONTRACT(test_foreign_subvolume_is_left_alone),
      CONTRACT(test_half_made_volumes_are_listed_and_deleted),
      CONTRACT(test_usage_of_fresh_fork),
      CONTRACT(test_usage_after_writes),
      CONTRACT(test_usage_counts_extents),
      CONTRACT(test_status_tells_room),
      CONTRACT(test_open_refuses_another_driver),
      CONTRACT(test_full_pool_refuses_and_recovers),
      CONTRACT(test_kill_leaves_only_what_can_be_listed),
  };
  subject = tested;
  pool = tested->pool;
  return cmocka_run_group_tests_name(tested->name, tests, open_subject, NULL);
}
