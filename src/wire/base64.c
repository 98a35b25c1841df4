/* Strict base64 on top of OpenSSL's, which takes white space and stray bits. */
#include "wire/base64.h"

#include <openssl/evp.h>
#include <string.h>

void base64_add(Buffer *out, const void *bytes, size_t length) {
  unsigned char text[64 + 1];
  const size_t step = sizeof text / 4 * 3; /* whole groups only, so that pieces join */
  for (size_t at = 0; at < length; at += step) {
    size_t piece = length - at < step ? length - at : step;
    int count = EVP_EncodeBlock(text, (const unsigned char *)bytes + at, (int)piece);
    buffer_add(out, text, (size_t)count);
  }
}

static bool same_spelling(const char *text, size_t length, const void *bytes, size_t count) {
  AUTO_RELEASE(buffer_release) Buffer again = {0};
  base64_add(&again, bytes, count);
  return again.length == length && (length == 0 || memcmp(again.text, text, length) == 0);
}

bool base64_decode(const char *text, size_t length, void *ret, size_t capacity,
                   size_t *ret_length) {
  if (length % 4 != 0 || length / 4 > capacity / 3 + 1)
    return false;
  if (length == 0) {
    *ret_length = 0;
    return true;
  }
  AUTO(str_free) char *bytes = mem_new(length / 4 * 3, 1);
  int decoded = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text, (int)length);
  size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
  if (decoded < 0 || (size_t)decoded < padding)
    return false;
  size_t count = (size_t)decoded - padding;
  if (count > capacity || !same_spelling(text, length, bytes, count))
    return false;
  memcpy(ret, bytes, count);
  *ret_length = count;
  return true;
}
