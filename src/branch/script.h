/* A dump as psql is to be given it. psql runs in its restricted mode, where no line of the input
 * can run a program, read or write a file or connect elsewhere; the two kinds of backslash commands
 * that dumps rightly have are dealt with here: \connect splits the script into parts, each run by a
 * psql of its own, and \restrict or \unrestrict, which pg_dump writes since 15.14, become empty
 * lines. Anything else is left for psql to refuse. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <sys/types.h>

typedef struct ScriptReader ScriptReader;

typedef enum ScriptEvent {
  SCRIPT_BYTES,   /* to be written as they are */
  SCRIPT_CONNECT, /* the rest belongs to another database */
  SCRIPT_END,
} ScriptEvent;

typedef struct ScriptPart {
  ScriptEvent event;
  const char *bytes; /* of SCRIPT_BYTES; valid until the next call */
  size_t length;
  const char *database; /* of SCRIPT_CONNECT; likewise */
} ScriptPart;

/* fd is borrowed. */
ScriptReader *script_reader_new(int fd);
void script_reader_free(ScriptReader *reader);
DEFINE_AUTO(ScriptReader *, script_reader_free)

CHECKED bool script_read(ScriptReader *reader, ScriptPart *ret, Error *err);

/* Complete lines and bytes that were handed out or dealt with so far. */
int64_t script_lines(const ScriptReader *reader);
int64_t script_bytes(const ScriptReader *reader);
