/* Speaks the protocol byte by byte. */
#include "raw.h"

#include "wire/error_response.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

int raw_connect(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval limit = {.tv_sec = 5};
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

void raw_send(int fd, const void *bytes, size_t length) {
  assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

void raw_send_startup(int fd, const char *database) {
  AUTO_RELEASE(buffer_release) Buffer packet = {0};
  size_t start = message_begin(&packet, '\0');
  wire_add_u32(&packet, 3 << 16);
  wire_add_string(&packet, "user");
  wire_add_string(&packet, "dev1");
  wire_add_string(&packet, "database");
  wire_add_string(&packet, database);
  buffer_add(&packet, "", 1);
  message_end(&packet, start);
  raw_send(fd, packet.text, packet.length);
}

void raw_read_all(int fd, Buffer *out) {
  char bytes[4096];
  for (;;) {
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count < 0)
      fail_msg("the other side doesn't close properly: %s", strerror(errno));
    if (count == 0)
      return;
    buffer_add(out, bytes, (size_t)count);
  }
}

bool raw_read_message(int fd, Buffer *out, Message *ret) {
  buffer_clear(out);
  for (;;) {
    char byte = 0;
    assert_true(message_read(out->text, out->length, 1 << 20, ret, NULL));
    if (ret->size > 0)
      return true;
    ssize_t count = recv(fd, &byte, 1, 0);
    assert_true(count >= 0);
    if (count == 0)
      return false;
    buffer_add(out, &byte, 1);
  }
}

void raw_expect_error(int fd, const char *sqlstate) {
  AUTO_RELEASE(buffer_release) Buffer said = {0};
  Message message = {0};
  ErrorResponse response;
  raw_read_all(fd, &said);
  for (size_t at = 0; at < said.length; at += message.size)
    if (!message_read(said.text + at, said.length - at, 1 << 20, &message, NULL) ||
        message.size == 0)
      fail_msg("no error, but %zu bytes", said.length);
  assert_int_equal(message.type, 'E');
  error_response_read(message.body, message.length, &response);
  assert_string_equal(response.sqlstate, sqlstate);
  (void)close(fd);
}

void raw_expect_close(int fd) {
  AUTO_RELEASE(buffer_release) Buffer said = {0};
  raw_read_all(fd, &said);
  assert_int_equal(said.length, 0);
  (void)close(fd);
}
