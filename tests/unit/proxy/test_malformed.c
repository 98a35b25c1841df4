/* What the proxy answers to clients that break the protocol, before and during the login. */
#include "raw.h"
#include "stand.h"

#include "core/clock.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static Stand *stand;

#define SEND(fd, literal) raw_send(fd, literal, sizeof literal - 1)

static const char ssl_request[] = "\0\0\0\x08\x04\xd2\x16\x2f";

static int set_up(void **state) {
  stand = stand_try(NULL);
  return 0;
}

static int tear_down(void **state) {
  stand_free(stand);
  return 0;
}

static int connected(void) {
  if (stand == NULL)
    skip();
  return raw_connect(stand->port);
}

static void lengths(void **state) {
  static const char *const lengths[] = {
      "\0\0\0\0",   "\0\0\0\7",         "\0\0\x27\x11", "\x7f\xff\xff\xff",
      "\x80\0\0\0", "\xff\xff\xff\xff", "GET "};
  for (size_t at = 0; at < ARRAY_LENGTH(lengths); at++) {
    int fd = connected();
    raw_send(fd, lengths[at], 4);
    raw_expect_error(fd, "08P01");
  }
}

static void bytes_before_tls(void **state) {
  int fd = connected();
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  buffer_add(&bytes, ssl_request, 8);
  buffer_add_text(&bytes, "x");
  raw_send(fd, bytes.text, bytes.length);
  raw_expect_error(fd, "08P01");
}

static void bytes_before_gss_is_declined(void **state) {
  int fd = connected();
  SEND(fd, "\0\0\0\x08\x04\xd2\x16\x30x");
  raw_expect_error(fd, "08P01");
}

static void gss_is_declined_once(void **state) {
  int fd = connected();
  char answer = 0;
  SEND(fd, "\0\0\0\x08\x04\xd2\x16\x30");
  assert_int_equal(read(fd, &answer, 1), 1);
  assert_int_equal(answer, 'N');
  SEND(fd, "\0\0\0\x08\x04\xd2\x16\x30");
  raw_expect_error(fd, "08P01");
}

/* libpq asks so where there is a Kerberos ticket, and goes on when it is declined. */
static void gss_is_declined_and_the_login_goes_on(void **state) {
  int fd = connected();
  char answer = 0;
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  Message message = {0};
  SEND(fd, "\0\0\0\x08\x04\xd2\x16\x30");
  assert_int_equal(read(fd, &answer, 1), 1);
  assert_int_equal(answer, 'N');
  raw_prove(fd, "dev1", "secret-one", "app@main");
  do
    assert_true(raw_read_message(fd, &bytes, &message));
  while (message.type != 'Z' && message.type != 'E');
  SEND(fd, "Q\0\0\0\x10SELECT 'in'\0");
  do
    assert_true(raw_read_message(fd, &bytes, &message));
  while (message.type != 'D' && message.type != 'E');
  assert_int_equal(message.type, 'D');
  assert_memory_equal(message.body, "\0\1\0\0\0\2in", message.length);
  (void)close(fd);
}

static void plain_bytes_where_tls_was_agreed(void **state) {
  int fd = connected();
  char answer = 0;
  AUTO_RELEASE(buffer_release) Buffer said = {0};
  raw_send(fd, ssl_request, 8);
  assert_int_equal(read(fd, &answer, 1), 1);
  assert_int_equal(answer, 'S');
  raw_send_startup(fd, "app@main");
  raw_read_all(fd, &said); /* a TLS alert at most: never an answer to the packet */
  assert_true(said.length == 0 || said.text[0] == 0x15);
  (void)close(fd);
}

/* Reads AuthenticationSASL. */
static int asked_for_password(void) {
  int fd = connected();
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  Message message;
  raw_send_startup(fd, "app@main");
  assert_true(raw_read_message(fd, &bytes, &message));
  assert_int_equal(message.type, 'R');
  assert_memory_equal(message.body, "\0\0\0\x0aSCRAM-SHA-256\0\0", message.length);
  return fd;
}

static void second_startup_packet(void **state) {
  int fd = asked_for_password();
  raw_send_startup(fd, "app@main");
  raw_expect_error(fd, "08P01");
}

static int challenged(void) {
  int fd = asked_for_password();
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  Message message;
  raw_send_first(fd, "n,,n=,r=abc");
  assert_true(raw_read_message(fd, &bytes, &message));
  assert_int_equal(message.type, 'R');
  assert_memory_equal(message.body, "\0\0\0\x0br=abc", 9);
  return fd;
}

static void second_startup_packet_within_the_exchange(void **state) {
  int fd = challenged();
  raw_send_startup(fd, "app@main");
  raw_expect_error(fd, "08P01");
}

static void queries_before_the_password(void **state) {
  int fd = asked_for_password();
  SEND(fd, "Q\0\0\0\x0dSELECT 1\0");
  raw_expect_error(fd, "08P01");
  fd = challenged();
  SEND(fd, "Q\0\0\0\x0dSELECT 1\0");
  raw_expect_error(fd, "08P01");
}

static void malformed_sasl(void **state) {
  static const struct {
    const char *bytes;
    size_t length;
  } first[] = {
      {"p\0\0\0\3", 5},
      {"p\0\0\0\4", 5},
      {"p\0\0\x10\5", 5},
      {"p\x7f\xff\xff\xff", 5},
      {"p\xff\xff\xff\xff", 5},
      {"p\0\0\0\5\0", 6},
      {"p\0\0\0\x12SCRAM-SHA-256\0", 19},
      {"p\0\0\0\x16SCRAM-SHA-256\0\xff\xff\xff\xff", 23},
      {"p\0\0\0\x16SCRAM-SHA-256\0\0\0\0\1", 23},
      {"p\0\0\0\x16SCRAM-SHA-256\0\0\0\0\0", 23},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(first); at++) {
    int fd = asked_for_password();
    raw_send(fd, first[at].bytes, first[at].length);
    raw_expect_error(fd, "08P01");
  }
  int fd = challenged();
  SEND(fd, "p\0\0\0\x08"
           "c=x,");
  raw_expect_error(fd, "08P01");
}

/* TLS from the first byte, as newer clients start it; alpn may be NULL. Fails or gives what the
 * server says to a startup packet. */
static void start_tls_at_once(const char *alpn, char *ret_type) {
  static const char packet[] = "\0\0\0\x25\0\3\0\0user\0dev1\0database\0app@main\0";
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *ssl = SSL_new(context);
  int fd = connected();
  if (alpn != NULL)
    assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn)),
                     0);
  assert_int_equal(SSL_set_fd(ssl, fd), 1);
  *ret_type = '\0';
  if (SSL_connect(ssl) == 1) {
    (void)SSL_write(ssl, packet, sizeof packet);
    (void)SSL_read(ssl, ret_type, 1);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  (void)close(fd);
}

static void tls_at_once(void **state) {
  char type = '\0';
  start_tls_at_once("\x0apostgresql", &type);
  assert_int_equal(type, 'R');
  start_tls_at_once(NULL, &type);
  assert_int_equal(type, 'E');
  start_tls_at_once("\x08http/1.1", &type);
  assert_int_equal(type, '\0');
}

static void replication(void **state) {
  int fd = connected();
  SEND(fd, "\0\0\0\x24\0\3\0\0user\0dev1\0replication\0true\0\0");
  raw_expect_error(fd, "0A000");
}

static void old_protocol(void **state) {
  int fd = connected();
  SEND(fd, "\0\0\0\x08\0\2\0\0");
  raw_expect_error(fd, "0A000");
}

static void options_that_once_looped(void **state) {
  int fd = connected();
  SEND(fd, "\0\0\0\x1f\0\3\0\0user\0dev1\0options\0-c=\0\0");
  raw_expect_error(fd, "22023");
}

static void cancel_with_a_guessed_key(void **state) {
  int fd = connected();
  SEND(fd, "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\7\0\0\0\x09");
  raw_expect_close(fd);
}

static void silence_costs_nothing_and_nonsense_is_told(void **state) {
  int fd = connected();
  (void)close(fd);
  size_t told = fake_count(stand->fake, "refused");
  assert_true(told > 0);
  AUTO(json_free) json_t *last = fake_last(stand->fake, "refused");
  assert_string_equal(json_string_or(last, "source", ""), "127.0.0.1");
  assert_true(json_integer_or(last, "count", 0) >= 1);
}

/* Half-open clients keep nobody out, and a flood from one source ends at its limit. */
static void logins_per_source_are_limited(void **state) {
  enum { MANY = 450 };
  if (stand == NULL)
    skip();
  int fds[MANY];
  size_t refused = 0;
  clock_sleep_ms(100); /* so that those of the tests before are gone */
  for (size_t at = 0; at < MANY; at++)
    fds[at] = raw_connect(stand->port);
  clock_sleep_ms(300);
  for (size_t at = 0; at < MANY; at++) {
    char byte = 0;
    refused += recv(fds[at], &byte, 1, MSG_DONTWAIT) == 1 && byte == 'E' ? 1 : 0;
    (void)close(fds[at]);
  }
  assert_int_equal(refused, MANY - 400);
  clock_sleep_ms(100);
  (void)close(asked_for_password());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lengths),
      cmocka_unit_test(bytes_before_tls),
      cmocka_unit_test(bytes_before_gss_is_declined),
      cmocka_unit_test(gss_is_declined_once),
      cmocka_unit_test(gss_is_declined_and_the_login_goes_on),
      cmocka_unit_test(plain_bytes_where_tls_was_agreed),
      cmocka_unit_test(second_startup_packet),
      cmocka_unit_test(second_startup_packet_within_the_exchange),
      cmocka_unit_test(queries_before_the_password),
      cmocka_unit_test(malformed_sasl),
      cmocka_unit_test(tls_at_once),
      cmocka_unit_test(replication),
      cmocka_unit_test(old_protocol),
      cmocka_unit_test(options_that_once_looped),
      cmocka_unit_test(cancel_with_a_guessed_key),
      cmocka_unit_test(silence_costs_nothing_and_nonsense_is_told),
      cmocka_unit_test(logins_per_source_are_limited),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
