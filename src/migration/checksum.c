/* Checksums of texts; apart from the rest, so that the command line isn't linked with OpenSSL. */
#include "core/hex.h"
#include "core/str.h"
#include "migration/migration.h"

#include <openssl/sha.h>
#include <string.h>

/* Without a mark of the byte order, with \n at the ends of lines, without blanks at the end: what
 * git and editors change isn't an edit. */
void migration_checksum(const char *text, char ret[MIGRATION_CHECKSUM_SIZE]) {
  AUTO_RELEASE(buffer_release) Buffer plain = {0};
  unsigned char digest[SHA256_DIGEST_LENGTH];
  if (str_starts(text, "\xEF\xBB\xBF"))
    text += 3;
  while (*text != '\0') {
    size_t length = strcspn(text, "\r");
    buffer_add(&plain, text, length);
    text += length;
    if (*text == '\r') {
      text++;
      if (*text != '\n')
        buffer_add_text(&plain, "\r");
    }
  }
  while (plain.length > 0 && strchr(" \t\r\n", plain.text[plain.length - 1]) != NULL)
    plain.length--;
  (void)SHA256((const unsigned char *)(plain.length > 0 ? plain.text : ""), plain.length, digest);
  hex_write(digest, sizeof digest, ret);
}
