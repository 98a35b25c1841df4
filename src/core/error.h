/* One failure, from where it is known to whoever reads it.
 *
 * Fallible functions return bool and take an Error as their last argument; they set it exactly
 * once, when they return false, and leave every ret_ argument untouched then. Callers may add
 * context in front (error_prefix) or a hint, and never replace what a lower level said. */
#pragma once

#include "core/base.h"

typedef enum ErrorCode {
  ERROR_NONE,
#define ERROR(name, code, exit_status, http_status, sqlstate, meaning) ERROR_##name,
#include "core/error.def"
#undef ERROR
  ERROR_COUNT_
} ErrorCode;

typedef struct ErrorInfo {
  const char *code;     /* kebab-case, part of the contract */
  int exit_status;      /* of the command line */
  int http_status;      /* of the API */
  const char *sqlstate; /* on the wire */
  const char *meaning;  /* one line of documentation */
} ErrorInfo;

typedef struct Error {
  ErrorCode code;
  char message[1024]; /* lower case, no full stop, one line; cut when longer */
  char hint[512];     /* what to do next; may be empty */
} Error;

#define ERROR_INIT ((Error){.code = ERROR_NONE})

/* Sets err and returns false, so that a failing function can end with it. err may be NULL. */
bool error_set(Error *err, ErrorCode code, const char *format, ...) PRINTF(3, 4);

/* The same for a failed system call: ": strerror(errno_value)" is added. ENOSPC and EDQUOT become
 * ERROR_POOL_FULL, the rest ERROR_IO. */
bool error_set_errno(Error *err, int errno_value, const char *format, ...) PRINTF(3, 4);

/* Adds the next step for the reader; returns false like error_set. */
bool error_hint(Error *err, const char *format, ...) PRINTF(2, 3);

/* Puts "text: " in front of the message; returns false like error_set. */
bool error_prefix(Error *err, const char *format, ...) PRINTF(2, 3);

/* Makes err unset again. */
void error_clear(Error *err);

/* The row of error.def. */
const ErrorInfo *error_info(ErrorCode code);

/* The code with that kebab-case name, ERROR_INTERNAL if there is none. */
ErrorCode error_code_from_name(const char *name);
