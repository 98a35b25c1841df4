/* Speaks the protocol byte by byte. */
#include "raw.h"

#include "core/str.h"
#include "wire/base64.h"
#include "wire/error_response.h"
#include "wire/scram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

int raw_connect_from(const char *source, int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in own = {.sin_family = AF_INET};
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval limit = {.tv_sec = 20};
  assert_int_equal(inet_pton(AF_INET, source, &own.sin_addr), 1);
  assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

int raw_connect(int port) {
  return raw_connect_from("127.0.0.1", port);
}

void raw_send(int fd, const void *bytes, size_t length) {
  assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

static void send_startup(int fd, const char *user, const char *database) {
  AUTO_RELEASE(buffer_release) Buffer packet = {0};
  size_t start = message_begin(&packet, '\0');
  wire_add_u32(&packet, 3 << 16);
  wire_add_string(&packet, "user");
  wire_add_string(&packet, user);
  wire_add_string(&packet, "database");
  wire_add_string(&packet, database);
  buffer_add(&packet, "", 1);
  message_end(&packet, start);
  raw_send(fd, packet.text, packet.length);
}

void raw_send_startup(int fd, const char *database) {
  send_startup(fd, "dev1", database);
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

/* SCRAM */

void raw_send_first(int fd, const char *text) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  size_t start = message_begin(&bytes, 'p');
  wire_add_string(&bytes, "SCRAM-SHA-256");
  wire_add_u32(&bytes, (uint32_t)strlen(text));
  buffer_add_text(&bytes, text);
  message_end(&bytes, start);
  raw_send(fd, bytes.text, bytes.length);
}

static void hmac(const uint8_t key[SCRAM_KEY_SIZE], const char *text, uint8_t ret[SCRAM_KEY_SIZE]) {
  assert_non_null(HMAC(EVP_sha256(), key, SCRAM_KEY_SIZE, (const unsigned char *)text, strlen(text),
                       ret, NULL));
}

/* What the password makes of all that was said. */
static void add_proof(Buffer *out, const char *password, const char *salt_base64, unsigned rounds,
                      const char *said) {
  uint8_t salt[SCRAM_SALT_SIZE];
  uint8_t salted[SCRAM_KEY_SIZE];
  uint8_t proof[SCRAM_KEY_SIZE];
  uint8_t stored[SCRAM_KEY_SIZE];
  uint8_t signature[SCRAM_KEY_SIZE];
  size_t length = 0;
  assert_true(base64_decode(salt_base64, strlen(salt_base64), salt, sizeof salt, &length));
  assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)length,
                                     (int)rounds, EVP_sha256(), sizeof salted, salted),
                   1);
  hmac(salted, "Client Key", proof);
  assert_int_equal(EVP_Digest(proof, sizeof proof, stored, NULL, EVP_sha256(), NULL), 1);
  hmac(stored, said, signature);
  for (size_t at = 0; at < sizeof proof; at++)
    proof[at] ^= signature[at];
  base64_add(out, proof, sizeof proof);
}

/* Reads the next message, an R of that kind; the text after the kind, owned by the caller. */
static char *expect_authentication(int fd, uint32_t kind) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  Message message;
  assert_true(raw_read_message(fd, &bytes, &message));
  assert_int_equal(message.type, 'R');
  assert_int_equal(wire_u32(message.body), kind);
  return str_format("%.*s", (int)message.length - 4, message.body + 4);
}

void raw_prove(int fd, const char *user, const char *password, const char *database) {
  char nonce[128];
  char salt[64];
  unsigned rounds = 0;
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  send_startup(fd, user, database);
  AUTO(str_free) char *mechanisms = expect_authentication(fd, 10);
  raw_send_first(fd, "n,,n=,r=abc");
  AUTO(str_free) char *challenge = expect_authentication(fd, 11);
  assert_int_equal(sscanf(challenge, "r=%127[^,],s=%63[^,],i=%u", nonce, salt, &rounds), 3);
  AUTO(str_free) char *bare = str_format("c=biws,r=%s", nonce);
  AUTO(str_free) char *said = str_format("n=,r=abc,%s,%s", challenge, bare);
  size_t start = message_begin(&bytes, 'p');
  buffer_add_text(&bytes, bare);
  buffer_add_text(&bytes, ",p=");
  add_proof(&bytes, password, salt, rounds, said);
  message_end(&bytes, start);
  raw_send(fd, bytes.text, bytes.length);
}

/* Ends */

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
