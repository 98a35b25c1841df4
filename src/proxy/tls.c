/* OpenSSL set up for PostgreSQL's clients. */
#include "proxy/tls.h"

#include "core/io.h"
#include "core/str.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { VALID_DAYS = 3650, PEM_LIMIT = 64 * 1024 };

struct Tls {
  SSL_CTX *context;
  uint8_t binding[EVP_MAX_MD_SIZE];
  unsigned binding_length;
};

DEFINE_AUTO(BIO *, BIO_free_all)
DEFINE_AUTO(X509 *, X509_free)
DEFINE_AUTO(EVP_PKEY *, EVP_PKEY_free)
DEFINE_AUTO(Tls *, tls_free)

/* The wire format of ALPN: length and name. */
static const unsigned char alpn[] = {10, 'p', 'o', 's', 't', 'g', 'r', 'e', 's', 'q', 'l'};

static bool set_openssl(Error *err, const char *what) {
  char reason[256] = "unknown";
  unsigned long code = ERR_get_error();
  if (code != 0)
    ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return error_set(err, ERROR_INTERNAL, "%s: %s", what, reason);
}

/* A certificate of Bough's own */

static bool add_extension(X509 *certificate, int id, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, id, value);
  bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key) {
  uint64_t serial = 0;
  if (RAND_bytes((unsigned char *)&serial, sizeof serial) != 1)
    return false;
  X509_NAME *name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), VALID_DAYS, 0, NULL) != NULL &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bough", -1,
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool save(const char *path, BIO *text, mode_t mode, Error *err) {
  char *bytes = NULL;
  long length = BIO_get_mem_data(text, &bytes);
  return io_write_file(path, bytes, (size_t)length, mode, err);
}

static bool make_certificate(const char *certificate_path, const char *key_path, Error *err) {
  AUTO(EVP_PKEY_free) EVP_PKEY *key = EVP_EC_gen("P-256");
  AUTO(X509_free) X509 *certificate = X509_new();
  AUTO(BIO_free_all) BIO *key_text = BIO_new(BIO_s_secmem());
  AUTO(BIO_free_all) BIO *certificate_text = BIO_new(BIO_s_mem());
  if (key == NULL || certificate == NULL || key_text == NULL || certificate_text == NULL ||
      !fill_certificate(certificate, key) ||
      PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1 ||
      PEM_write_bio_X509(certificate_text, certificate) != 1)
    return set_openssl(err, "could not make a certificate");
  return save(key_path, key_text, 0600, err) && save(certificate_path, certificate_text, 0644, err);
}

/* The certificate comes second: with it there, the key is there too. */
static bool ensure_certificate(const char *certificate_path, const char *key_path, Error *err) {
  return io_exists(certificate_path) || make_certificate(certificate_path, key_path, err);
}

/* Context */

static int select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_length,
                       const unsigned char *offered, unsigned offered_length, void *context) {
  (void)ssl;
  (void)context;
  unsigned char *chosen = NULL;
  if (SSL_select_next_proto(&chosen, ret_length, alpn, sizeof alpn, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *ret = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/* The hash is the signature's own, but never weaker than SHA-256. */
static bool hash_certificate(Tls *tls, Error *err) {
  X509 *certificate = SSL_CTX_get0_certificate(tls->context);
  int hash = NID_undef;
  if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1)
    return true; /* no hash of its own (Ed25519): channel binding isn't offered */
  if (hash == NID_md5 || hash == NID_sha1)
    hash = NID_sha256;
  const EVP_MD *digest = EVP_get_digestbynid(hash);
  if (digest == NULL)
    return true;
  return X509_digest(certificate, digest, tls->binding, &tls->binding_length) == 1 ||
         set_openssl(err, "could not hash the certificate");
}

static bool load(Tls *tls, const char *certificate, const char *key, Error *err) {
  if (SSL_CTX_use_certificate_chain_file(tls->context, certificate) != 1)
    return set_openssl(err, certificate);
  if (SSL_CTX_use_PrivateKey_file(tls->context, key, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(tls->context) != 1)
    return set_openssl(err, key);
  return hash_certificate(tls, err);
}

static bool make_context(Tls *tls, Error *err) {
  tls->context = SSL_CTX_new(TLS_server_method());
  if (tls->context == NULL)
    return set_openssl(err, "could not set up TLS");
  (void)SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
  (void)SSL_CTX_set_options(tls->context,
                            SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  (void)SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
  (void)SSL_CTX_set_num_tickets(tls->context, 0);
  (void)SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                           SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(tls->context, select_alpn, NULL);
  return true;
}

bool tls_new(const Home *home, const Settings *settings, Tls **ret, Error *err) {
  AUTO(tls_free) Tls *tls = mem_new(1, sizeof *tls);
  AUTO(str_free) char *own_certificate = home_path(home, "locks/proxy.crt");
  AUTO(str_free) char *own_key = home_path(home, "locks/proxy.key");
  if (!make_context(tls, err))
    return false;
  if (settings->certificate != NULL) {
    if (!load(tls, settings->certificate, settings->key, err))
      return false;
  } else if (!ensure_certificate(own_certificate, own_key, err) ||
             !load(tls, own_certificate, own_key, err)) {
    return false;
  }
  *ret = STEAL(tls);
  return true;
}

void tls_free(Tls *tls) {
  if (tls == NULL)
    return;
  SSL_CTX_free(tls->context);
  mem_free(tls);
}

SSL *tls_accept(const Tls *tls, int fd) {
  SSL *ssl = SSL_new(tls->context);
  if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
    SSL_free(ssl);
    return NULL;
  }
  SSL_set_accept_state(ssl);
  return ssl;
}

const uint8_t *tls_binding(const Tls *tls, size_t *ret_length) {
  *ret_length = tls->binding_length;
  return tls->binding;
}

bool tls_has_alpn(const SSL *ssl) {
  const unsigned char *name = NULL;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  return length > 0; /* select_alpn takes one only */
}
