/* ErrorResponse: how a failure reaches a client. */
#pragma once

#include "wire/message.h"

enum { SQLSTATE_SIZE = 6 /* with \0 */ };

/* A fatal one: severity, the SQLSTATE of err's code, message and hint. */
void error_response_add(Buffer *out, const Error *err);

/* What a server said. Fields that aren't there become "". The body need not be well formed. */
typedef struct ErrorResponse {
  char sqlstate[SQLSTATE_SIZE];
  char message[256]; /* cut when longer */
} ErrorResponse;
void error_response_read(const char *body, size_t length, ErrorResponse *ret);
