/* TLS that is required, and a certificate of the user's own. */
#include "pq.h"
#include "raw.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT_MS = 20000 };

static Stand *stand;

static void bio_free(BIO *bio) {
  BIO_free_all(bio);
}
DEFINE_AUTO(BIO *, bio_free)

/* A certificate as an authority of some company may make it: RSA, and not SHA-256. */

static X509 *make_certificate(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  X509_NAME *name = X509_get_subject_name(certificate);
  assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
  assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
  assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -3600));
  assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
  assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                              (const unsigned char *)"db.example.org", -1, -1, 0),
                   1);
  assert_int_equal(X509_set_issuer_name(certificate, name), 1);
  assert_int_equal(X509_set_pubkey(certificate, key), 1);
  assert_true(X509_sign(certificate, key, EVP_sha384()) > 0);
  return certificate;
}

static void write_bio(const char *path, BIO *bio) {
  char *bytes = NULL;
  long length = BIO_get_mem_data(bio, &bytes);
  AUTO(str_free) char *text = str_format("%.*s", (int)length, bytes);
  stand_write(stand, path, text);
}

static void write_certificate(const char *certificate_path, const char *key_path) {
  EVP_PKEY *key = EVP_RSA_gen(2048);
  assert_non_null(key);
  X509 *certificate = make_certificate(key);
  AUTO(bio_free) BIO *key_text = BIO_new(BIO_s_mem());
  AUTO(bio_free) BIO *certificate_text = BIO_new(BIO_s_mem());
  assert_int_equal(PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL), 1);
  assert_int_equal(PEM_write_bio_X509(certificate_text, certificate), 1);
  write_bio(key_path, key_text);
  write_bio(certificate_path, certificate_text);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static int set_up(void **state) {
  stand = stand_try(NULL);
  if (stand != NULL)
    stand_configure(stand, NULL, json_pack("{s:b}", "required", 1));
  return 0;
}

static int tear_down(void **state) {
  stand_free(stand);
  return 0;
}

/* The first that a client hears is the refusal: it can't be led to give anything away. */
static void plain_text_is_refused_before_the_password(void **state) {
  AUTO_RELEASE(buffer_release) Buffer said = {0};
  Message message = {0};
  pq_expect_refusal(stand, "dev1", "secret-one", "dbname=app@main sslmode=disable",
                    "28000: connections without TLS are refused\nHINT:  use sslmode=require");
  int fd = raw_connect(stand->port);
  raw_send_startup(fd, "app@main");
  assert_true(raw_read_message(fd, &said, &message));
  assert_int_equal(message.type, 'E');
  raw_expect_close(fd);
}

static void sessions_under_tls(void **state) {
  AUTO(pq_finish)
  PGconn *bound = pq_open(stand, "dbname=app@main sslmode=require channel_binding=require");
  AUTO(pq_finish)
  PGconn *unbound = pq_open(stand, "dbname=app@main sslmode=require channel_binding=disable");
  AUTO(pq_finish) PGconn *allowed = pq_open(stand, "dbname=app@main sslmode=prefer");
  assert_true(PQsslInUse(bound) && PQsslInUse(unbound) && PQsslInUse(allowed));
  pq_expect(bound, "SELECT 1", "1");
}

/* Cancel requests */

typedef void Cancel(PGconn *connection, CancelKey key);

/* In plain text, as libpq sends them until version 17: it holds nothing but the key. */
static void cancel_plainly(PGconn *connection, CancelKey key) {
  (void)key;
  char text[256] = "";
  PGcancel *cancel = PQgetCancel(connection);
  assert_int_equal(PQcancel(cancel, text, sizeof text), 1);
  PQfreeCancel(cancel);
}

static void cancel_under_tls(PGconn *connection, CancelKey key) {
  (void)connection;
  char answer = 0;
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  int fd = raw_connect(stand->port);
  raw_send(fd, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
  assert_int_equal(read(fd, &answer, 1), 1);
  assert_int_equal(answer, 'S');
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *ssl = SSL_new(context);
  assert_int_equal(SSL_set_fd(ssl, fd), 1);
  assert_int_equal(SSL_connect(ssl), 1);
  cancel_add_request(&bytes, &key);
  assert_int_equal(SSL_write(ssl, bytes.text, (int)bytes.length), bytes.length);
  assert_true(SSL_read(ssl, &answer, 1) <= 0);
  SSL_free(ssl);
  SSL_CTX_free(context);
  (void)close(fd);
}

/* One that comes before its statement hits nothing: it is sent again. */
static void expect_cancel(PGconn *connection, CancelKey key, Cancel *cancel) {
  int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
  assert_int_equal(PQsendQuery(connection, "SELECT pg_sleep(300)"), 1);
  while (PQconsumeInput(connection) == 1 && PQisBusy(connection) == 1) {
    assert_true(clock_monotonic_ms() < deadline);
    cancel(connection, key);
    clock_sleep_ms(50);
  }
  AUTO(pq_clear) PGresult *result = PQgetResult(connection);
  assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "57014");
  assert_null(PQgetResult(connection));
}

static void cancel_of_sessions_under_tls(void **state) {
  CancelKey key = {0};
  AUTO(pq_finish)
  PGconn *connection = pq_open_key(stand, "dbname=app@main sslmode=require", &key);
  expect_cancel(connection, key, cancel_plainly);
  expect_cancel(connection, key, cancel_under_tls);
  assert_int_equal(PQtransactionStatus(connection), PQTRANS_IDLE);
}

/* Channel binding hashes the certificate as it was signed (RFC 5929). */
static void a_certificate_of_the_users_own(void **state) {
  if (stand == NULL)
    skip();
  AUTO(str_free) char *certificate = path_join(stand->home, "own.crt");
  AUTO(str_free) char *key = path_join(stand->home, "own.key");
  write_certificate(certificate, key);
  stand_configure(stand, NULL, json_pack("{s:s, s:s}", "cert", certificate, "key", key));
  AUTO(str_free)
  char *verified = str_format("host=db.example.org hostaddr=127.0.0.1 dbname=app@main "
                              "sslmode=verify-full sslrootcert=%s channel_binding=require",
                              certificate);
  AUTO(pq_finish) PGconn *connection = pq_open(stand, verified);
  pq_expect(connection, "SELECT 1", "1");
  pq_expect_refusal(stand, "dev1", "wrong",
                    "dbname=app@main sslmode=require channel_binding=require",
                    "28P01: password authentication failed");
  AUTO(pq_finish) PGconn *plain = pq_open(stand, "dbname=app@main sslmode=disable");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_text_is_refused_before_the_password),
      cmocka_unit_test(sessions_under_tls),
      cmocka_unit_test(cancel_of_sessions_under_tls),
      cmocka_unit_test(a_certificate_of_the_users_own),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
