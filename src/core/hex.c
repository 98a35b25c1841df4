/* Hexadecimal, written and read. */
#include "core/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

void hex_write(const unsigned char *bytes, size_t length, char *ret) {
  for (size_t at = 0; at < length; at++) {
    ret[2 * at] = digits[bytes[at] >> 4];
    ret[2 * at + 1] = digits[bytes[at] & 15];
  }
  ret[2 * length] = '\0';
}

static unsigned char value_of(char digit) {
  return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

bool hex_read(const char *text, unsigned char *ret, size_t length) {
  if (text == NULL || strlen(text) != 2 * length || strspn(text, digits) != 2 * length)
    return false;
  for (size_t at = 0; at < length; at++)
    ret[at] = (unsigned char)(value_of(text[2 * at]) << 4 | value_of(text[2 * at + 1]));
  return true;
}
