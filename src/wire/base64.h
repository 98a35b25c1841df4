/* Base64 as SCRAM wants it: with padding, without line ends, one spelling for each value. */
#pragma once

#include "core/base.h"
#include "core/str.h"

/* Adds the text of length bytes. */
void base64_add(Buffer *out, const void *bytes, size_t length);

/* Decodes exactly text[0..length) into at most capacity bytes. False for anything that base64_add
 * would not have written, or that doesn't fit. */
CHECKED bool base64_decode(const char *text, size_t length, void *ret, size_t capacity,
                           size_t *ret_length);
