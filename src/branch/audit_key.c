/* Signs heads of the audit's chain. */
#include "branch/audit_key.h"

#include "core/hex.h"
#include "core/io.h"
#include "core/str.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum { FILE_LIMIT = 4096, RAW_SIZE = 32 };

struct AuditKey {
  EVP_PKEY *pair;
  char id[24];
};

void audit_key_free(AuditKey *key) {
  if (key == NULL)
    return;
  EVP_PKEY_free(key->pair);
  mem_free(key);
}

static void bio_release(BIO **bio) {
  BIO_free(*bio);
}

static bool write_pem(const char *path, const EVP_PKEY *pair, bool is_private, Error *err) {
  AUTO_RELEASE(bio_release) BIO *text = BIO_new(BIO_s_secmem());
  char *bytes = NULL;
  bool ok =
      text != NULL && (is_private ? PEM_write_bio_PrivateKey(text, pair, NULL, NULL, 0, NULL, NULL)
                                  : PEM_write_bio_PUBKEY(text, pair)) == 1;
  long length = ok ? BIO_get_mem_data(text, &bytes) : 0;
  if (length <= 0)
    return error_set(err, ERROR_INTERNAL, "could not write the audit's key");
  return io_write_file(path, bytes, (size_t)length, is_private ? 0600 : 0644, err);
}

static bool make_key(const Home *home, const char *path, Error *err) {
  AUTO(str_free) char *directory = home_path(home, "audit");
  AUTO(str_free) char *public_path = home_path(home, "audit/key.pub");
  EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  if (pair == NULL)
    return error_set(err, ERROR_INTERNAL, "could not make a key for the audit");
  bool ok = io_make_directories(directory, 0700, err) && write_pem(public_path, pair, false, err) &&
            write_pem(path, pair, true, err);
  EVP_PKEY_free(pair);
  return ok;
}

/* The beginning of the public key's digest. */
static bool name_key(AuditKey *key, Error *err) {
  unsigned char raw[RAW_SIZE];
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t length = sizeof raw;
  if (EVP_PKEY_get_raw_public_key(key->pair, raw, &length) != 1 || length != RAW_SIZE ||
      EVP_Q_digest(NULL, "SHA256", NULL, raw, sizeof raw, digest, NULL) != 1)
    return error_set(err, ERROR_INTERNAL, "the audit's key is none of Ed25519");
  hex_write(digest, 8, key->id);
  return true;
}

bool audit_key_open(const Home *home, bool make, AuditKey **ret, Error *err) {
  AUTO(str_free) char *path = home_path(home, "audit/key.pem");
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (!io_exists(path)) {
    if (!make)
      return error_set(err, ERROR_NOTHING_TO_DO, "there is no key of the audit yet");
    if (!make_key(home, path, err))
      return false;
  }
  if (!io_read_file(path, FILE_LIMIT, &text, &length, err))
    return false;
  AUTO_RELEASE(bio_release) BIO *file = BIO_new_mem_buf(text, (int)length);
  AUTO(audit_key_free) AuditKey *key = mem_new(1, sizeof *key);
  key->pair = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
  OPENSSL_cleanse(text, length);
  if (key->pair == NULL || EVP_PKEY_is_a(key->pair, "ED25519") != 1)
    return error_set(err, ERROR_INTERNAL, "\"%s\" holds no key of Ed25519", path);
  if (!name_key(key, err))
    return false;
  *ret = STEAL(key);
  return true;
}

/* What a signature covers. */
static char *text_of(const ChainHead *head) {
  return str_format("bough-audit-head\n1\n%s\n%s\n%lld\n%s\n%s\n", head->reason, head->day,
                    (long long)head->seq, head->hash, head->signed_at);
}

bool audit_key_sign(const AuditKey *key, ChainHead *head, Error *err) {
  AUTO(str_free) char *text = text_of(head);
  size_t length = sizeof head->signature;
  EVP_MD_CTX *state = EVP_MD_CTX_new();
  bool ok = state != NULL && EVP_DigestSignInit(state, NULL, NULL, NULL, key->pair) == 1 &&
            EVP_DigestSign(state, head->signature, &length, (const unsigned char *)text,
                           strlen(text)) == 1 &&
            length == sizeof head->signature;
  EVP_MD_CTX_free(state);
  if (!ok)
    return error_set(err, ERROR_INTERNAL, "could not sign the audit's head");
  (void)snprintf(head->key, sizeof head->key, "%s", key->id);
  return true;
}

bool audit_key_has_signed(const AuditKey *key, const ChainHead *head) {
  AUTO(str_free) char *text = text_of(head);
  EVP_MD_CTX *state = EVP_MD_CTX_new();
  bool ok = state != NULL && EVP_DigestVerifyInit(state, NULL, NULL, NULL, key->pair) == 1 &&
            EVP_DigestVerify(state, head->signature, sizeof head->signature,
                             (const unsigned char *)text, strlen(text)) == 1;
  EVP_MD_CTX_free(state);
  return ok;
}
