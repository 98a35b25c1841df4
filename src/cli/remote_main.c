/* git-remote-bough: git runs it for bough://PROJECT. It finds boughd's git.sock, says who asks for
 * what, and from then on moves bytes between git and git. */
#include "core/home.h"
#include "core/io.h"
#include "core/json.h"
#include "core/rpc.h"
#include "core/str.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_LIMIT = 8192 };

/* ---- where ---- */

static bool has_home(const char *root) {
  AUTO(str_free) char *path = path_join(root, "config.json");
  return io_exists(path);
}

/* git.sock lies beside boughd.sock. */
static bool find_socket(char **ret, Error *err) {
  static const char scheme[] = "unix://";
  static const char machine[] = "/var/lib/bough";
  const char *server = getenv("BOUGH_SERVER");
  AUTO(str_free) char *root = home_default_root();
  if (server != NULL && server[0] != '\0') {
    if (!str_starts(server, scheme))
      return error_set(err, ERROR_UNSUPPORTED, "code is reached over boughd's own socket alone");
    const char *slash = strrchr(server, '/');
    const char *path = server + sizeof scheme - 1;
    *ret = str_format("%.*s/git.sock", (int)(slash > path ? slash - path : 0), path);
    return true;
  }
  bool is_machine = getenv("BOUGH_HOME") == NULL && !has_home(root) && has_home(machine);
  *ret = path_join(is_machine ? machine : root, "git.sock");
  return true;
}

/* "bough://inventory", or just the name. */
static const char *project_of(const char *url) {
  static const char scheme[] = "bough://";
  const char *name = str_starts(url, scheme) ? url + sizeof scheme - 1 : url;
  return name[0] != '\0' ? name : "-";
}

/* ---- the first line and its answer ---- */

/* Byte by byte: what comes behind the line is git's. */
static bool read_line(int fd, char ret[LINE_LIMIT], Error *err) {
  for (size_t length = 0; length < LINE_LIMIT; length++) {
    ssize_t count = read(fd, &ret[length], 1);
    if (count <= 0)
      return error_set(err, ERROR_DAEMON_DOWN, "the other side closed the connection");
    if (ret[length] == '\n') {
      ret[length] = '\0';
      return true;
    }
  }
  return error_set(err, ERROR_PROTOCOL, "a line of more than %d bytes", LINE_LIMIT);
}

static bool begin(const char *url, const char *service, int *ret, Error *err) {
  const char *token = getenv("BOUGH_TOKEN");
  char line[LINE_LIMIT];
  AUTO_RELEASE(fd_release) int fd = -1;
  AUTO(str_free) char *path = NULL;
  AUTO(json_free) json_t *answer = NULL;
  AUTO(json_free)
  json_t *question = json_pack("{s:s, s:s, s:s*}", "service", service, "project", project_of(url),
                               "token", token != NULL && token[0] != '\0' ? token : NULL);
  AUTO(str_free) char *text = json_text(question);
  AUTO(str_free) char *first = str_format("%s\n", text);
  if (!find_socket(&path, err) || !rpc_connect(path, &fd, err) ||
      !io_write(fd, first, strlen(first), err) || !read_line(fd, line, err) ||
      !json_parse(line, strlen(line), &answer, err))
    return false;
  if (!json_bool_or(answer, "ok", false)) {
    json_to_error(json_object_get(answer, "error"), err);
    return false;
  }
  *ret = fd;
  fd = -1;
  return true;
}

/* ---- bytes ---- */

typedef struct Way {
  int from, to;
  bool open;
} Way;

/* False at the end of what comes. */
static bool move(const Way *way) {
  char bytes[65536];
  Error ignored = ERROR_INIT; /* git on the other side tells what it misses */
  ssize_t count = read(way->from, bytes, sizeof bytes);
  if (count < 0 && errno == EINTR)
    return true;
  return count > 0 && io_write(way->to, bytes, (size_t)count, &ignored);
}

static void relay(int fd) {
  Way in = {STDIN_FILENO, fd, true};
  Way out = {fd, STDOUT_FILENO, true};
  while (out.open) {
    struct pollfd pollers[] = {{.fd = in.open ? in.from : -1, .events = POLLIN},
                               {.fd = out.from, .events = POLLIN}};
    if (poll(pollers, ARRAY_LENGTH(pollers), -1) < 0 && errno != EINTR)
      return;
    if (pollers[1].revents != 0)
      out.open = move(&out);
    if (pollers[0].revents != 0 && !move(&in)) {
      in.open = false;
      (void)shutdown(fd, SHUT_WR);
    }
  }
}

/* ---- git's words ---- */

static int connect_to(const char *url, const char *service) {
  Error failure = ERROR_INIT;
  AUTO_RELEASE(fd_release) int fd = -1;
  if (!begin(url, service, &fd, &failure)) {
    (void)fprintf(stderr, "bough: %s (%s)\n", failure.message, error_info(failure.code)->code);
    if (failure.hint[0] != '\0')
      (void)fprintf(stderr, "bough: %s\n", failure.hint);
    return error_info(failure.code)->exit_status;
  }
  if (write(STDOUT_FILENO, "\n", 1) != 1)
    return 1;
  relay(fd);
  return 0;
}

int main(int argc, char **argv) {
  static const char connect_word[] = "connect git-";
  static const char capabilities[] = "connect\n\n";
  char line[LINE_LIMIT];
  Error end = ERROR_INIT;
  (void)signal(SIGPIPE, SIG_IGN);
  if (argc != 3) {
    (void)fprintf(stderr, "usage: git clone bough://PROJECT (git runs this program)\n");
    return 1;
  }
  while (read_line(STDIN_FILENO, line, &end)) {
    if (str_starts(line, connect_word))
      return connect_to(argv[2], line + sizeof connect_word - 1);
    if (str_equal(line, "capabilities") &&
        write(STDOUT_FILENO, capabilities, sizeof capabilities - 1) < 0)
      return 1;
    if (line[0] == '\0')
      return 0;
  }
  return 0;
}
