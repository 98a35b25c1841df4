/* The order of versions, and checksums of texts. */
#include "core/str.h"
#include "migration/internal.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

/* Compares the numbers that begin at *left and *right, of any length, and moves behind them and
 * their dot. One that isn't there is 0. */
static int compare_number(const char **left, const char **right) {
  *left += strspn(*left, "0");
  *right += strspn(*right, "0");
  size_t left_digits = strspn(*left, "0123456789");
  size_t right_digits = strspn(*right, "0123456789");
  int order = left_digits != right_digits ? (left_digits < right_digits ? -1 : 1)
                                          : memcmp(*left, *right, left_digits);
  *left += left_digits;
  *right += right_digits;
  *left += **left == '.';
  *right += **right == '.';
  return order;
}

int migration_version_compare(MigrationLayout layout, const char *left, const char *right) {
  if (layout == LAYOUT_STEM)
    return strcmp(left, right);
  int order = 0;
  while (order == 0 && (*left != '\0' || *right != '\0')) {
    const char *left_before = left;
    const char *right_before = right;
    order = compare_number(&left, &right);
    if (order == 0 && left == left_before && right == right_before)
      return strcmp(left, right); /* no version, but it has to end */
  }
  return order;
}

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
  for (size_t at = 0; at < sizeof digest; at++)
    (void)snprintf(ret + 2 * at, 3, "%02x", digest[at]);
}
