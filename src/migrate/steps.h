/* A migration's text as steps that can be run: statements, and whether they can be one transaction.
 */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/str.h"
#include "sql/sql.h"

enum { STEP_CHECKSUM_LENGTH = 16 };

typedef struct Step {
  char *text;
  const SqlPart *part; /* of the script */
  int line;
} Step;

typedef struct Steps {
  SqlScript *sql;
  Step *list; /* without the BEGIN and COMMIT around all of them, if there were any */
  size_t count;
  bool is_alone;      /* not one transaction: marked so, or a statement can't be run in one */
  const Step *rights; /* the first step that changes who may do what; NULL: none does */
  char *progress;     /* of all steps STEP_CHECKSUM_LENGTH characters each; "" for none */
} Steps;
void steps_release(Steps *script);

/* file: for messages. Lines for psql, data of COPY and transactions of its own are
 * MIGRATION_INVALID; what the parser doesn't understand is left for the server to refuse. */
CHECKED bool steps_read(const char *file, const char *text, bool marked_alone, Steps *ret,
                        Error *err);

/* Whether the first count steps are those of which progress was written. */
bool steps_begin_like(const Steps *script, const char *progress, int count);
