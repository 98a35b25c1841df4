/* First packets, well formed and not. */
#include "wire/startup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A packet with that version and those parameters, whose own \0s are part of the literal. */
static void make(Buffer *out, uint32_t version, const char *parameters, size_t length) {
  size_t start = message_begin(out, '\0');
  wire_add_u32(out, version);
  buffer_add(out, parameters, length);
  message_end(out, start);
}

#define PACKET(version, literal)                                                                   \
  AUTO_RELEASE(buffer_release) Buffer packet = {0};                                                \
  make(&packet, version, literal, sizeof literal - 1)

enum { V3 = 3 << 16 };

static void refuse_sizes(void **state) {
  static const char *const heads[] = {
      "\0\0\0\0",   "\0\0\0\7",         "\0\0\x27\x11", "\x7f\xff\xff\xff",
      "\x80\0\0\0", "\xff\xff\xff\xff", "GET ",         "\x16\x03\x01\x02"};
  size_t size = 1;
  for (size_t at = 0; at < ARRAY_LENGTH(heads); at++) {
    Error err = ERROR_INIT;
    assert_false(startup_size(heads[at], 4, &size, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
  }
  assert_true(startup_size("\0\0\x27", 3, &size, NULL));
  assert_int_equal(size, 0);
  assert_true(startup_size("\0\0\x27\x10", 4, &size, NULL));
  assert_int_equal(size, STARTUP_LIMIT);
}

static void read_parameters(void **state) {
  PACKET(V3, "user\0dev1\0database\0app@main\0client_encoding\0UTF8\0application_name\0a\xffz\0"
             "options\0-c geqo=off\0\0");
  AUTO_RELEASE(startup_release) Startup startup = {0};
  assert_true(startup_read(packet.text, packet.length, &startup, NULL));
  assert_int_equal(startup.kind, STARTUP_SESSION);
  assert_string_equal(startup.user, "dev1");
  assert_string_equal(startup.database, "app@main");
  assert_string_equal(startup.application_name, "a?z");
  assert_string_equal(startup.options, "-c geqo=off");
  assert_int_equal(startup.setting_count, 1);
}

static void pass_on_what_the_server_may_see(void **state) {
  PACKET(V3 + 2, "user\0dev1\0_pq_.later\0x\0search_path\0\"a b\"\0replication\0false\0\0");
  static const char expected[] = "user\0bough_u_dev1\0database\0app\0options\0-c a=b\0"
                                 "search_path\0\"a b\"\0";
  AUTO_RELEASE(startup_release) Startup startup = {0};
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  AUTO_RELEASE(buffer_release) Buffer negotiation = {0};
  assert_true(startup_read(packet.text, packet.length, &startup, NULL));
  assert_string_equal(startup.database, "dev1");
  startup_add(&out, &startup, "bough_u_dev1", "app", "-c a=b");
  assert_int_equal(out.length, 8 + sizeof expected);
  assert_int_equal(wire_u32(out.text), out.length);
  assert_int_equal(wire_u32(out.text + 4), V3);
  assert_memory_equal(out.text + 8, expected, sizeof expected);
  startup_add_negotiation(&negotiation, &startup);
  assert_memory_equal(negotiation.text, "v\0\0\0\x17\0\3\0\0\0\0\0\1_pq_.later", 24);
}

static void say_nothing_of_versions_to_a_client_of_3_0(void **state) {
  PACKET(V3, "user\0dev1\0\0");
  AUTO_RELEASE(startup_release) Startup startup = {0};
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  assert_true(startup_read(packet.text, packet.length, &startup, NULL));
  startup_add_negotiation(&out, &startup);
  assert_int_equal(out.length, 0);
}

static void expect_refusal(uint32_t version, const char *parameters, size_t length,
                           ErrorCode code) {
  AUTO_RELEASE(buffer_release) Buffer packet = {0};
  make(&packet, version, parameters, length);
  AUTO(str_free) char *exact = mem_new(packet.length, 1); /* so that reading past it is seen */
  memcpy(exact, packet.text, packet.length);
  Startup startup = {0};
  Error err = ERROR_INIT;
  if (startup_read(exact, packet.length, &startup, &err))
    fail_msg("\"%s\" passed", parameters);
  assert_int_equal(err.code, code);
  assert_null(startup.memory);
}

#define REFUSED(version, literal, code) expect_refusal(version, literal, sizeof literal - 1, code)

static void refuse_malformed_parameters(void **state) {
  REFUSED(V3, "", ERROR_PROTOCOL);
  REFUSED(V3, "\0", ERROR_UNAUTHENTICATED);
  REFUSED(V3, "user\0\0\0", ERROR_UNAUTHENTICATED);
  REFUSED(V3, "user", ERROR_PROTOCOL);
  REFUSED(V3, "user\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0dev1", ERROR_PROTOCOL);
  REFUSED(V3, "user\0dev1\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0dev1\0\0x", ERROR_PROTOCOL);
  REFUSED(V3, "user\0dev1\0\0\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0dev1\0user\0dev2\0\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0dev1\0geqo\0on\0geqo\0off\0\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0d\xffv\0\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0d\xed\xa0\x80\0\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0d\xc3\0\0", ERROR_PROTOCOL);
  REFUSED(V3, "user\0dev1\0two words\0x\0\0", ERROR_USAGE);
  REFUSED(V3, "user\0dev1\0replication\0database\0\0", ERROR_UNSUPPORTED);
  REFUSED(V3, "user\0dev1\0replication\0true\0\0", ERROR_UNSUPPORTED);
  REFUSED(V3, "user\0dev1\0post_auth_delay\0005\0\0", ERROR_UNSUPPORTED);
  REFUSED(2 << 16, "user\0dev1\0\0", ERROR_UNSUPPORTED);
  REFUSED(4 << 16, "user\0dev1\0\0", ERROR_UNSUPPORTED);
}

static void read_wishes_and_cancels(void **state) {
  static const char ssl[] = "\0\0\0\x08\x04\xd2\x16\x2f";
  static const char gss[] = "\0\0\0\x08\x04\xd2\x16\x30";
  static const char cancel[] = "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07\0\0\0\x09";
  Startup startup = {0};
  assert_true(startup_read(ssl, 8, &startup, NULL));
  assert_int_equal(startup.kind, STARTUP_SSL);
  assert_true(startup_read(gss, 8, &startup, NULL));
  assert_int_equal(startup.kind, STARTUP_GSS);
  assert_true(startup_read(cancel, 16, &startup, NULL));
  assert_int_equal(startup.kind, STARTUP_CANCEL);
  assert_int_equal(startup.cancel.pid, 7);
  assert_int_equal(startup.cancel.secret, 9);
  REFUSED(CANCEL_REQUEST_CODE, "\0\0\0\7", ERROR_PROTOCOL);
  REFUSED(80877103, "x", ERROR_PROTOCOL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuse_sizes),
      cmocka_unit_test(read_parameters),
      cmocka_unit_test(pass_on_what_the_server_may_see),
      cmocka_unit_test(say_nothing_of_versions_to_a_client_of_3_0),
      cmocka_unit_test(refuse_malformed_parameters),
      cmocka_unit_test(read_wishes_and_cancels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
