/* Bytes as hexadecimal text: lower case, two digits each. */
#pragma once

#include "core/base.h"

/* Writes 2 * length digits and \0. */
void hex_write(const unsigned char *bytes, size_t length, char *ret);

/* False, with ret untouched, when text (may be NULL) isn't just 2 * length such digits. */
CHECKED bool hex_read(const char *text, unsigned char *ret, size_t length);
