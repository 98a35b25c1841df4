/* Files that a client sends piece by piece before it asks to import them: ROOT/spool/up-..., mode
 * 0600. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"
#include "core/json.h"

CHECKED bool upload_begin(const Home *home, json_t **ret, Error *err); /* {"upload"} */
/* offset is text from outside; it must be the file's present size, so that a repeated piece is
 * noticed. Refused while the host's file system would be left with less than a gigabyte. {"size"}
 */
CHECKED bool upload_write(const Home *home, const char *upload, const char *offset,
                          const char *bytes, size_t length, json_t **ret, Error *err);
CHECKED bool upload_remove(const Home *home, const char *upload, Error *err);
