/* Limits, throttles, cached routes, verifiers and settings, without a socket. */
#include "core/str.h"
#include "proxy/limit.h"
#include "proxy/route.h"
#include "proxy/settings.h"
#include "proxy/verifier.h"
#include "wire/base64.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void places_are_counted_by_kind_and_key(void **state) {
  Limits *limits = limits_new();
  assert_true(limits_take(limits, LIMIT_SOURCE, "a", 2));
  assert_true(limits_take(limits, LIMIT_SOURCE, "a", 2));
  assert_false(limits_take(limits, LIMIT_SOURCE, "a", 2));
  assert_true(limits_take(limits, LIMIT_SOURCE, "b", 2));
  assert_true(limits_take(limits, LIMIT_PRINCIPAL, "a", 2));
  limits_give(limits, LIMIT_SOURCE, "a");
  assert_true(limits_take(limits, LIMIT_SOURCE, "a", 2));
  limits_give(limits, LIMIT_PRINCIPAL, "a");
  limits_give(limits, LIMIT_PRINCIPAL, "a"); /* too often: no harm */
  assert_true(limits_take(limits, LIMIT_PRINCIPAL, "a", 1));
  limits_free(limits);
}

static void debts_make_wait_and_are_paid_off(void **state) {
  Limits *limits = limits_new();
  for (int at = 0; at < 5; at++)
    assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "a", 1000), 0);
  assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "a", 1000), 1000);
  assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "a", 1000), 2000);
  assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "b", 1000), 0);
  throttle_give(limits, THROTTLE_USER, "a");
  assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "a", 1000), 2000);
  assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "a", 8000), 0);
  while (throttle_take_ms(limits, THROTTLE_USER, "a", 8000) >= 0)
    continue;
  assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "a", 8000), -1);
  limits_sweep(limits, 60000);
  assert_int_equal(throttle_take_ms(limits, THROTTLE_USER, "a", 60000), 0);
  limits_free(limits);
}

static void sources_are_networks_for_ipv6(void **state) {
  struct sockaddr_in6 one = {.sin6_family = AF_INET6};
  struct sockaddr_in6 other = {.sin6_family = AF_INET6};
  char first[SOURCE_SIZE];
  char second[SOURCE_SIZE];
  assert_int_equal(inet_pton(AF_INET6, "2001:db8:1:2::1", &one.sin6_addr), 1);
  assert_int_equal(inet_pton(AF_INET6, "2001:db8:1:2:ffff::9", &other.sin6_addr), 1);
  source_key((const struct sockaddr *)&one, first);
  source_key((const struct sockaddr *)&other, second);
  assert_string_equal(first, "2001:db8:1:2::");
  assert_string_equal(first, second);
  source_text((const struct sockaddr *)&one, first);
  assert_string_equal(first, "2001:db8:1:2::1");
}

static Route *make_route(const char *endpoint) {
  AUTO(json_free)
  json_t *answer = json_pack("{s:s, s:s, s:s, s:i}", "endpoint", endpoint, "role", "r",
                             "socket_directory", "/run/x", "port", 5432);
  Route *route = NULL;
  assert_true(route_read(answer, "app", &route, NULL));
  return route;
}

static void routes_are_forgotten(void **state) {
  RouteCache *cache = route_cache_new();
  AUTO(route_free) Route *one = make_route("ep-1");
  AUTO(route_free) Route *two = make_route("ep-2");
  assert_string_equal(one->socket, "/run/x/.s.PGSQL.5432");
  assert_string_equal(one->database, "app");
  route_cache_put(cache, "a", one, 0);
  route_cache_put(cache, "b", two, 0);
  assert_true(route_same(route_cache_find(cache, "a", 4999), one));
  assert_null(route_cache_find(cache, "a", 5000));
  route_cache_forget(cache, "ep-1");
  assert_null(route_cache_find(cache, "a", 1));
  assert_non_null(route_cache_find(cache, "b", 1));
  route_cache_forget(cache, NULL);
  assert_null(route_cache_find(cache, "b", 1));
  route_cache_free(cache);
}

static void routes_that_make_no_sense(void **state) {
  static const char *const bad[] = {
      "{}",
      "{\"endpoint\":\"e\",\"role\":\"\",\"socket_directory\":\"/x\",\"port\":1}",
      "{\"endpoint\":\"e\",\"role\":\"r\",\"socket_directory\":\"/x\",\"port\":1,\"idle_ms\":-1}",
      ("{\"endpoint\":\"e\",\"role\":\"r\",\"port\":1,\"socket_directory\":\"/aaaaaaaaaaaaaaaaaaa"
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
       "}"),
  };
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    AUTO(json_free) json_t *answer = NULL;
    Route *route = NULL;
    assert_true(json_parse(bad[at], strlen(bad[at]), &answer, NULL));
    assert_false(route_read(answer, "app", &route, NULL));
  }
}

static json_t *key_json(const char *token, const ScramKey *key, int64_t expires_us) {
  AUTO_RELEASE(buffer_release) Buffer stored = {0};
  AUTO_RELEASE(buffer_release) Buffer server = {0};
  base64_add(&stored, key->stored_key, SCRAM_KEY_SIZE);
  base64_add(&server, key->server_key, SCRAM_KEY_SIZE);
  return json_pack("{s:s, s:s, s:s, s:I}", "token", token, "stored_key", stored.text, "server_key",
                   server.text, "expires_at_us", (json_int_t)expires_us);
}

/* A proof that fits "pencil" (RFC 7677). */
static Scram *proved(void) {
  static const char first[] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
  static const char last[] = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                             "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  Scram *scram = scram_new(NULL, 0);
  assert_true(scram_read_first(scram, "SCRAM-SHA-256", first, strlen(first), NULL));
  scram_add_challenge(scram, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096,
                      &out);
  assert_true(scram_read_final(scram, last, strlen(last), NULL));
  return scram;
}

static bool match(int count, int right_at, int64_t expires_us, const char **ret_token) {
  AUTO(scram_free) Scram *scram = proved();
  AUTO(json_free)
  json_t *answer = json_pack("{s:s, s:[]}", "principal", "user", "keys");
  uint8_t salt[16];
  size_t length = 0;
  assert_true(base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==", 24, salt, sizeof salt, &length));
  for (int at = 0; at < count; at++) {
    ScramKey key = {0};
    if (at == right_at)
      assert_true(scram_derive("pencil", salt, length, 4096, &key, NULL));
    (void)json_array_append_new(json_object_get(answer, "keys"),
                                key_json(at == right_at ? "right" : "wrong", &key, expires_us));
  }
  Verifier *verifier = NULL;
  const ScramKey *key = NULL;
  const char *token = NULL;
  assert_true(verifier_read(answer, &verifier, NULL));
  bool matched = verifier_match(verifier, scram, 1000, &token, &key);
  *ret_token = matched && strcmp(token, "right") == 0 ? "right" : NULL;
  verifier_free(verifier);
  return matched;
}

static void any_key_that_is_not_expired_matches(void **state) {
  const char *token = NULL;
  assert_false(match(0, -1, 0, &token));
  assert_false(match(3, -1, 0, &token));
  for (int at = 0; at < 9; at++) {
    assert_true(match(9, at, 0, &token));
    assert_string_equal(token, "right");
  }
  assert_true(match(1, 0, 1001, &token));
  assert_false(match(1, 0, 1000, &token));
}

static void verifiers_that_make_no_sense(void **state) {
  static const char *const bad[] = {
      "{\"keys\":[{}]}",
      "{\"keys\":[{\"token\":\"t\"}]}",
      "{\"keys\":[{\"token\":\"t\",\"stored_key\":\"AAAA\",\"server_key\":\"AAAA\"}]}",
      "{\"keys\":[{\"token\":\"t\",\"stored_key\":\"-\",\"server_key\":\"-\"}]}",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    AUTO(json_free) json_t *answer = NULL;
    Verifier *verifier = NULL;
    assert_true(json_parse(bad[at], strlen(bad[at]), &answer, NULL));
    assert_false(verifier_read(answer, &verifier, NULL));
  }
}

static bool read_settings(const char *text, Settings *ret) {
  static json_t *kept; /* what ret borrows from */
  Home home = {0};
  json_free(kept);
  kept = NULL;
  if (text != NULL && !json_parse(text, strlen(text), &kept, NULL))
    fail_msg("%s", text);
  home.config = kept;
  return settings_read(&home, ret, NULL);
}

static void tls_is_required_beyond_loopback(void **state) {
  Settings settings;
  assert_true(read_settings("{}", &settings));
  assert_int_equal(settings.address_count, 2);
  assert_string_equal(settings.addresses[0], "127.0.0.1");
  assert_string_equal(settings.addresses[1], "::1");
  assert_int_equal(settings.port, 6432);
  assert_false(settings.tls_required);
  assert_true(read_settings("{\"proxy\":{\"address\":[\"127.0.0.1\",\"::1\"]}}", &settings));
  assert_false(settings.tls_required);
  assert_true(read_settings("{\"proxy\":{\"address\":\"0.0.0.0\"}}", &settings));
  assert_true(settings.tls_required);
  assert_true(read_settings("{\"proxy\":{\"address\":[\"::1\",\"::\"]},"
                            "\"tls\":{\"required\":false}}",
                            &settings));
  assert_true(settings.tls_required);
}

static void settings_that_make_no_sense(void **state) {
  static const char *const bad[] = {
      "{\"proxy\":{\"address\":\"localhost\"}}",
      "{\"proxy\":{\"address\":[]}}",
      "{\"proxy\":{\"address\":7}}",
      "{\"proxy\":{\"port\":70000}}",
      "{\"proxy\":{\"clients\":0}}",
      "{\"tls\":{\"cert\":\"/x\"}}",
  };
  Settings settings;
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++)
    if (read_settings(bad[at], &settings))
      fail_msg("%s passed", bad[at]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_are_counted_by_kind_and_key),
      cmocka_unit_test(debts_make_wait_and_are_paid_off),
      cmocka_unit_test(sources_are_networks_for_ipv6),
      cmocka_unit_test(routes_are_forgotten),
      cmocka_unit_test(routes_that_make_no_sense),
      cmocka_unit_test(any_key_that_is_not_expired_matches),
      cmocka_unit_test(verifiers_that_make_no_sense),
      cmocka_unit_test(tls_is_required_beyond_loopback),
      cmocka_unit_test(settings_that_make_no_sense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
