/* What a confined process can't do, tried by one. */
#include "compute/compute.h"

#include "core/io.h"
#include "core/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ABI_NETWORK = 4, ABI_SCOPE = 6 };

typedef struct Place {
  char root[64];
  char *own;     /* writable */
  char *other;   /* not named */
  char *foreign; /* a file in it, readable by its mode */
} Place;

static void make_place(Place *place) {
  Error err = ERROR_INIT;
  (void)snprintf(place->root, sizeof place->root, "/tmp/bough-confine-XXXXXX");
  assert_non_null(mkdtemp(place->root));
  place->own = path_join(place->root, "own");
  place->other = path_join(place->root, "other");
  place->foreign = path_join(place->other, "file");
  assert_int_equal(mkdir(place->own, 0700), 0);
  assert_int_equal(mkdir(place->other, 0700), 0);
  assert_true(io_write_file(place->foreign, "secret", 6, 0644, &err));
}

static void place_release(Place *place) {
  Error ignored = ERROR_INIT;
  (void)!io_remove_tree(place->root, &ignored);
  str_free(place->own);
  str_free(place->other);
  str_free(place->foreign);
}

typedef int Attempt(const Place *place); /* 0, or errno */

/* What the attempt gives inside a confinement to place->own. */
static int attempt_confined(const Place *place, Attempt *attempt) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    Confinement confinement = {.writable = (const char *const[]){place->own, NULL}};
    Error err = ERROR_INIT;
    int level = 0;
    if (!confine(&confinement, &level, &err))
      _exit(255);
    _exit(attempt(place));
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int opened(int fd) {
  int failure = fd < 0 ? errno : 0;
  fd_release(&fd);
  return failure;
}

static int read_foreign(const Place *place) {
  return opened(open(place->foreign, O_RDONLY));
}

static int list_foreign(const Place *place) {
  return opened(open(place->other, O_RDONLY | O_DIRECTORY));
}

static int write_outside(const Place *place) {
  return opened(open("/tmp/bough-confine-outside", O_WRONLY | O_CREAT, 0600));
}

static int truncate_foreign(const Place *place) {
  return truncate(place->foreign, 0) == 0 ? 0 : errno;
}

static int write_own(const Place *place) {
  AUTO(str_free) char *first = path_join(place->own, "first");
  AUTO(str_free) char *second = path_join(place->own, "second");
  int fd = open(first, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 0) != 0)
    return errno;
  (void)close(fd);
  return rename(first, second) == 0 && unlink(second) == 0 ? 0 : errno;
}

/* A link in an own directory opens nothing: the place that it leads to counts. */
static int read_through_link(const Place *place) {
  AUTO(str_free) char *link = path_join(place->own, "link");
  return opened(open(link, O_RDONLY));
}

static int link_foreign(const Place *place) {
  AUTO(str_free) char *name = path_join(place->own, "hard");
  return link(place->foreign, name) == 0 ? 0 : errno;
}

static int read_system(const Place *place) {
  int failure = opened(open("/etc/passwd", O_RDONLY));
  if (failure == 0)
    failure = opened(open("/usr/lib", O_RDONLY | O_DIRECTORY));
  return failure == 0 ? opened(open("/dev/null", O_RDWR | O_TRUNC)) : failure;
}

static int read_processes(const Place *place) {
  AUTO(str_free) char *path = str_format("/proc/%d/cmdline", (int)getppid());
  return opened(open(path, O_RDONLY));
}

static int use_shared_memory(const Place *place) {
  return opened(open("/dev/shm/bough-confine", O_RDWR | O_CREAT, 0600));
}

static int run_shell(const Place *place) {
  (void)execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
  return errno;
}

static int signal_parent(const Place *place) {
  return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int connect_to(int family, const void *address, socklen_t length) {
  AUTO_RELEASE(fd_release) int fd = socket(family, SOCK_STREAM, 0);
  return connect(fd, address, length) == 0 ? 0 : errno;
}

static int connect_tcp(const Place *place) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect_to(AF_INET, &address, sizeof address);
}

static struct sockaddr_un abstract_address(socklen_t *ret_length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "bough-confine-%d",
                        (int)getpgrp());
  *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
  return address;
}

static int connect_abstract(const Place *place) {
  socklen_t length = 0;
  struct sockaddr_un address = abstract_address(&length);
  return connect_to(AF_UNIX, &address, length);
}

static void need_level(int level) {
  if (confine_level() >= level)
    return;
  print_message("skipped: this kernel's Landlock has ABI %d, %d is needed\n", confine_level(),
                level);
  skip();
}

static void test_files(void **state) {
  static const struct {
    Attempt *attempt;
    int expected;
  } cases[] = {
      {read_foreign, EACCES},      {list_foreign, EACCES},   {write_outside, EACCES},
      {read_through_link, EACCES}, {read_processes, EACCES}, {use_shared_memory, EACCES},
      {run_shell, EACCES},         {write_own, 0},           {read_system, 0},
  };
  need_level(1);
  AUTO_RELEASE(place_release) Place place;
  make_place(&place);
  AUTO(str_free) char *link = path_join(place.own, "link");
  assert_int_equal(symlink(place.foreign, link), 0);
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++)
    if (attempt_confined(&place, cases[at].attempt) != cases[at].expected)
      fail_msg("case %zu: %s", at, strerror(attempt_confined(&place, cases[at].attempt)));
  assert_true(attempt_confined(&place, link_foreign) != 0); /* EXDEV or EACCES, by ABI */
}

/* The same attempts succeed without a confinement: the modes of the files don't forbid them. */
static void test_files_unconfined(void **state) {
  AUTO_RELEASE(place_release) Place place;
  make_place(&place);
  assert_int_equal(read_foreign(&place), 0);
  assert_int_equal(list_foreign(&place), 0);
  assert_int_equal(truncate_foreign(&place), 0);
  assert_int_equal(link_foreign(&place), 0);
  assert_int_equal(read_processes(&place), 0);
  assert_int_equal(signal_parent(&place), 0);
}

static void test_truncate(void **state) {
  need_level(3);
  AUTO_RELEASE(place_release) Place place;
  make_place(&place);
  assert_int_equal(attempt_confined(&place, truncate_foreign), EACCES);
}

static void test_network(void **state) {
  need_level(ABI_NETWORK);
  AUTO_RELEASE(place_release) Place place;
  make_place(&place);
  assert_int_equal(attempt_confined(&place, connect_tcp), EACCES);
}

static void test_scopes(void **state) {
  need_level(ABI_SCOPE);
  AUTO_RELEASE(place_release) Place place;
  make_place(&place);
  socklen_t length = 0;
  struct sockaddr_un address = abstract_address(&length);
  AUTO_RELEASE(fd_release) int server = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(server, (struct sockaddr *)&address, length), 0);
  assert_int_equal(listen(server, 5), 0);
  assert_int_equal(connect_abstract(&place), 0);
  assert_int_equal(attempt_confined(&place, connect_abstract), EPERM);
  assert_int_equal(attempt_confined(&place, signal_parent), EPERM);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files),    cmocka_unit_test(test_files_unconfined),
      cmocka_unit_test(test_truncate), cmocka_unit_test(test_network),
      cmocka_unit_test(test_scopes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
