/* A server that gives one canned answer per connection, in order, and writes down what it was
 * asked: a child process on a loopback port. */
#pragma once

#include "core/io.h"
#include "core/str.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEEN_LIMIT = 1 << 20 };

typedef struct Answers {
  char origin[64]; /* "http://127.0.0.1:PORT" */
  char seen[64];   /* file: each request's head and body, one after the other */
  pid_t pid;
} Answers;

static void answers_read(int fd, Buffer *ret) {
  char byte = 0;
  size_t start = ret->length;
  while ((ret->length < start + 4 || memcmp(ret->text + ret->length - 4, "\r\n\r\n", 4) != 0) &&
         read(fd, &byte, 1) == 1)
    buffer_add(ret, &byte, 1);
  const char *length = ret->text != NULL ? strstr(ret->text + start, "Content-Length: ") : NULL;
  for (size_t rest = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
       rest > 0 && read(fd, &byte, 1) == 1; rest--)
    buffer_add(ret, &byte, 1);
  buffer_add_text(ret, "\n\n");
}

static void answers_serve(int listener, const char *const *answers, const Answers *server) {
  Buffer seen = {0};
  for (; *answers != NULL; answers++) {
    int fd = accept(listener, NULL, NULL);
    answers_read(fd, &seen);
    if (!io_write_file(server->seen, seen.text, seen.length, 0600, NULL))
      _exit(1);
    /* "@": the server's own origin, for links and redirects */
    for (const char *at = *answers; *at != '\0'; at++)
      if (write(fd, *at == '@' ? server->origin : at, *at == '@' ? strlen(server->origin) : 1) < 0)
        _exit(1);
    (void)shutdown(fd, SHUT_WR);
    close(fd);
  }
  _exit(0);
}

/* answers: NULL-terminated, each a whole HTTP response. */
static void answers_start(Answers *server, const char *const *answers) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 16), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
  (void)snprintf(server->origin, sizeof server->origin, "http://127.0.0.1:%d",
                 ntohs(address.sin_port));
  (void)snprintf(server->seen, sizeof server->seen, "/tmp/bough-answers-%d-%d", (int)getpid(),
                 ntohs(address.sin_port));
  server->pid = fork();
  assert_true(server->pid >= 0);
  if (server->pid == 0)
    answers_serve(listener, answers, server);
  close(listener);
}

/* Stops it; what it was asked, owned. "" when nobody came. */
static char *answers_stop(Answers *server) {
  char *text = NULL;
  size_t length = 0;
  (void)kill(server->pid, SIGKILL);
  (void)waitpid(server->pid, NULL, 0);
  if (!io_exists(server->seen))
    return str_dup("");
  assert_true(io_read_file(server->seen, SEEN_LIMIT, &text, &length, NULL));
  assert_true(io_remove_file(server->seen, NULL));
  return text;
}
