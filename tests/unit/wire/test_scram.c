/* SCRAM against the vectors of RFC 7677, and everything that breaks its rules. */
#include "wire/base64.h"
#include "wire/scram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char mechanism[] = "SCRAM-SHA-256";
static const char plus[] = "SCRAM-SHA-256-PLUS";

/* RFC 7677, section 3 */
static const char client_first[] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
static const char server_nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char salt64[] = "W22ZaJ0SNY7soEsUEjb6gQ==";
static const char server_first[] =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
static const char client_final[] = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                   "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
static const char server_final[] = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

static void derive(const char *password, ScramKey *ret) {
  uint8_t salt[16];
  size_t length = 0;
  assert_true(base64_decode(salt64, strlen(salt64), salt, sizeof salt, &length));
  assert_true(scram_derive(password, salt, length, 4096, ret, NULL));
}

static Scram *challenged(void) {
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  Scram *scram = scram_new(NULL, 0);
  assert_true(scram_read_first(scram, mechanism, client_first, strlen(client_first), NULL));
  scram_add_challenge(scram, server_nonce, salt64, 4096, &out);
  assert_string_equal(out.text, server_first);
  return scram;
}

static void follow_the_vectors(void **state) {
  AUTO(scram_free) Scram *scram = challenged();
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  ScramKey right;
  ScramKey wrong;
  derive("pencil", &right);
  derive("pencil ", &wrong);
  assert_true(scram_read_final(scram, client_final, strlen(client_final), NULL));
  assert_false(scram_matches(scram, &wrong));
  assert_false(scram_matches(scram, &(ScramKey){0}));
  assert_true(scram_matches(scram, &right));
  scram_add_final(scram, &right, &out);
  assert_string_equal(out.text, server_final);
}

static void offer_plus_over_tls_only(void **state) {
  AUTO(scram_free) Scram *plain = scram_new(NULL, 0);
  AUTO(scram_free) Scram *tls = scram_new("hash", 4);
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  scram_add_mechanisms(plain, &out);
  assert_int_equal(out.length, 15);
  assert_memory_equal(out.text, "SCRAM-SHA-256\0", 15);
  buffer_clear(&out);
  scram_add_mechanisms(tls, &out);
  assert_int_equal(out.length, 34);
  assert_memory_equal(out.text, "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0", 34);
}

static void refuse_first_messages(void **state) {
  static const struct {
    const char *name, *text;
    bool tls;
  } bad[] = {
      {"SCRAM-SHA-1", "n,,n=,r=abc", false},
      {"", "n,,n=,r=abc", false},
      {plus, "p=tls-server-end-point,,n=,r=abc", false},
      {plus, "n,,n=,r=abc", true},
      {plus, "y,,n=,r=abc", true},
      {plus, "p=tls-unique,,n=,r=abc", true},
      {plus, "p=,,n=,r=abc", true},
      {mechanism, "p=tls-server-end-point,,n=,r=abc", true},
      {mechanism, "y,,n=,r=abc", true}, /* a downgrade */
      {mechanism, "", false},
      {mechanism, "n", false},
      {mechanism, "n,", false},
      {mechanism, "n,,", false},
      {mechanism, "n,,n=", false},
      {mechanism, "n,,n=,", false},
      {mechanism, "n,,n=,r", false},
      {mechanism, "n,,n=,r=", false},
      {mechanism, "n,,n=,r=a b", false},
      {mechanism, "n,,n=,r=\x7f", false},
      {mechanism, "n,,n=,r=\xc3\xa4", false},
      {mechanism, "n,,n=a=b,r=abc", false},
      {mechanism, "n,,n=a=2,r=abc", false},
      {mechanism, "n,,r=abc", false},
      {mechanism, "n,,m=x,n=,r=abc", false},
      {mechanism, "n,,n=,r=abc,m=x", false},
      {mechanism, "n,,n=,r=abc,", false},
      {mechanism, "n,,n=,r=abc,x", false},
      {mechanism, "n,,n=,r=abc,1=x", false},
      {mechanism, "n,a=admin,n=,r=abc", false},
      {mechanism, "x,,n=,r=abc", false},
      {mechanism, "nn,,n=,r=abc", false},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    AUTO(scram_free) Scram *scram = scram_new(bad[at].tls ? "hash" : NULL, 4);
    Error err = ERROR_INIT;
    if (scram_read_first(scram, bad[at].name, bad[at].text, strlen(bad[at].text), &err))
      fail_msg("%s \"%s\" passed", bad[at].name, bad[at].text);
    assert_int_equal(err.code, ERROR_PROTOCOL);
  }
}

static void refuse_first_messages_by_length(void **state) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "n,,n=,r=");
  while (text.length <= SCRAM_MESSAGE_LIMIT)
    buffer_add_text(&text, "x");
  AUTO(scram_free) Scram *scram = scram_new(NULL, 0);
  assert_false(scram_read_first(scram, mechanism, text.text, text.length, NULL));
  assert_false(scram_read_first(scram, mechanism, "n,,n=,r=a\0b", 11, NULL));
  for (size_t length = 0; length <= strlen("n,,n=,r="); length++) {
    AUTO(str_free) char *exact = mem_new(length, 1);
    memcpy(exact, text.text, length);
    assert_false(scram_read_first(scram, mechanism, exact, length, NULL));
  }
}

static void take_first_messages(void **state) {
  static const char *const good[] = {"n,,n=,r=abc", "y,,n=,r=abc", "n,,n=*,r=abc",
                                     "n,,n=a=2Cb=3Dc,r=abc", "n,,n=,r=abc,x=y,z="};
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++) {
    AUTO(scram_free) Scram *scram = scram_new(NULL, 0);
    assert_true(scram_read_first(scram, mechanism, good[at], strlen(good[at]), NULL));
  }
}

#define NONCE "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define PROOF "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void refuse_final_messages(void **state) {
  static const char *const bad[] = {
      "",
      "c=",
      "c=biws",
      "c=biws,",
      "c=biws," NONCE,
      "c=biws," NONCE ",",
      "c=biws," NONCE ",p=",
      "c=eSws," NONCE "," PROOF, /* "y,,": not what came first */
      "c=," NONCE "," PROOF,
      "c=biwsbiws," NONCE "," PROOF,
      NONCE ",c=biws," PROOF,
      "c=biws,r=rOprNGfwEbeRWgbNEkqO," PROOF,
      "c=biws," NONCE "x," PROOF,
      "c=biws," NONCE "," PROOF "=",
      "c=biws," NONCE "," PROOF " ",
      "c=biws," NONCE "," PROOF ",x=y",
      "c=biws," NONCE ",m=x," PROOF,
      "c=biws," NONCE ",," PROOF,
      "c=biws," NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR=", /* stray bits */
      "c=biws," NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndQ==",
      "c=biws," NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQBBBB=",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    AUTO(scram_free) Scram *scram = challenged();
    Error err = ERROR_INIT;
    if (scram_read_final(scram, bad[at], strlen(bad[at]), &err))
      fail_msg("\"%s\" passed", bad[at]);
    assert_int_equal(err.code, ERROR_PROTOCOL);
  }
}

static void extensions_are_part_of_what_is_signed(void **state) {
  static const char text[] = "c=biws," NONCE ",x=y," PROOF;
  AUTO(scram_free) Scram *scram = challenged();
  ScramKey key;
  derive("pencil", &key);
  assert_true(scram_read_final(scram, text, strlen(text), NULL));
  assert_false(scram_matches(scram, &key));
}

/* The binding is what the proxy's certificate hashes to, or the exchange fails. */
static void channel_binding_is_checked(void **state) {
  static const char first[] = "p=tls-server-end-point,,n=,r=abc";
  for (int right = 0; right <= 1; right++) {
    AUTO(scram_free) Scram *scram = scram_new("0123456789abcdef0123456789abcdef", 32);
    AUTO_RELEASE(buffer_release) Buffer out = {0};
    AUTO_RELEASE(buffer_release) Buffer text = {0};
    AUTO_RELEASE(buffer_release) Buffer input = {0};
    assert_true(scram_read_first(scram, plus, first, strlen(first), NULL));
    scram_add_challenge(scram, "def", salt64, 4096, &out);
    buffer_add_text(&input, "p=tls-server-end-point,,0123456789abcdef0123456789abcde");
    buffer_add_text(&input, right ? "f" : "g");
    buffer_add_text(&text, "c=");
    base64_add(&text, input.text, input.length);
    buffer_add_text(&text, ",r=abcdef," PROOF);
    assert_int_equal(scram_read_final(scram, text.text, text.length, NULL), right);
  }
}

static void salts_are_by_name_and_secret(void **state) {
  static const uint8_t secret[SCRAM_SECRET_SIZE] = "one";
  static const uint8_t other[SCRAM_SECRET_SIZE] = "other";
  uint8_t salt[SCRAM_SALT_SIZE];
  uint8_t again[SCRAM_SALT_SIZE];
  scram_salt(secret, "dev", salt);
  scram_salt(secret, "dev", again);
  assert_memory_equal(salt, again, sizeof salt);
  scram_salt(secret, "dev1", again);
  assert_memory_not_equal(salt, again, sizeof salt);
  scram_salt(other, "dev", again);
  assert_memory_not_equal(salt, again, sizeof salt);
}

static void nonces_differ(void **state) {
  char one[SCRAM_NONCE_SIZE];
  char other[SCRAM_NONCE_SIZE];
  scram_nonce(one);
  scram_nonce(other);
  assert_int_equal(strlen(one), SCRAM_NONCE_SIZE - 1);
  assert_string_not_equal(one, other);
  assert_null(strchr(one, ','));
}

static void base64_is_strict(void **state) {
  static const char *const bad[] = {"A",    "AA",   "AAA",  "A===", "====",     "AA=A", "AA\n=",
                                    " AAA", "AAA ", "AB==", "AAB=", "AA==AAAA", "AA-_"};
  uint8_t bytes[8];
  size_t length = 0;
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++)
    if (base64_decode(bad[at], strlen(bad[at]), bytes, sizeof bytes, &length))
      fail_msg("\"%s\" passed", bad[at]);
  assert_true(base64_decode("AAAAAAAAAAA=", 12, bytes, 8, &length));
  assert_int_equal(length, 8);
  assert_false(base64_decode("AAAAAAAAAAAA", 12, bytes, 8, &length));
}

static void base64_goes_round(void **state) {
  uint8_t bytes[200];
  uint8_t again[200];
  for (size_t length = 0; length <= sizeof bytes; length++) {
    AUTO_RELEASE(buffer_release) Buffer text = {0};
    size_t count = 1;
    for (size_t at = 0; at < length; at++)
      bytes[at] = (uint8_t)(at * 37 + length);
    base64_add(&text, bytes, length);
    assert_true(base64_decode(text.text, text.length, again, length, &count));
    assert_int_equal(count, length);
    assert_memory_equal(again, bytes, length);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(follow_the_vectors),
      cmocka_unit_test(offer_plus_over_tls_only),
      cmocka_unit_test(refuse_first_messages),
      cmocka_unit_test(refuse_first_messages_by_length),
      cmocka_unit_test(take_first_messages),
      cmocka_unit_test(refuse_final_messages),
      cmocka_unit_test(extensions_are_part_of_what_is_signed),
      cmocka_unit_test(channel_binding_is_checked),
      cmocka_unit_test(salts_are_by_name_and_secret),
      cmocka_unit_test(nonces_differ),
      cmocka_unit_test(base64_is_strict),
      cmocka_unit_test(base64_goes_round),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
