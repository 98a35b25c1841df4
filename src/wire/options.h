/* Settings that a client brings along in its first packet, as parameters or in "options". */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* Whether a client may give that setting. The rule: what it could SET later, it may give at the
 * start, since the server checks both alike; what only a start can set is refused. No statement of
 * the platform runs in the session, so search_path, role and the like are the client's own affair.
 */
CHECKED bool option_check_name(const char *name, Error *err);

typedef struct Options {
  char *endpoint; /* of endpoint=... or -c endpoint=...; NULL: none */
  char *rest;     /* "-c name=value ..." for the server; NULL: nothing left */
} Options;
void options_release(Options *options);

/* Reads the words of "options" (split at white space, a backslash takes the next character as it
 * is). Anything but -c name=value, --name=value and endpoint=... is refused, and so are two
 * endpoints that differ. */
CHECKED bool options_read(const char *text, Options *ret, Error *err);
