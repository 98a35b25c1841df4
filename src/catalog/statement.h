/* Which logs of statements are read into the audit, and how far. */
#pragma once

#include "catalog/catalog.h"

typedef struct StatementSource { /* one volume whose compute records statements, or did */
  char volume[ID_SIZE];
  char endpoint[ID_SIZE]; /* under which it was started last, as are branch and project */
  char branch[ID_SIZE];
  char project[ID_SIZE];
  char file[64]; /* read up to there */
  int64_t offset;
} StatementSource;

/* The classes of statements that the policy in force wants recorded on that branch, "ddl,write";
 * owned; "" for none: it stands for no tier, or for one that asks for none. */
CHECKED bool statement_classes(Catalog *catalog, const char *branch, char **ret, Error *err);

/* From now on that volume's log is read; where it was read before, it goes on from there. */
CHECKED bool statement_follow(Catalog *catalog, const StatementSource *source, Error *err);
CHECKED bool statement_forget(Catalog *catalog, const char *volume, Error *err);
/* All of them, volume NULL, or that one; mem_free. */
CHECKED bool statement_sources(Catalog *catalog, const char *volume, StatementSource **ret,
                               size_t *ret_count, Error *err);

/* Writes rows ([{actor_type, actor, on_behalf_of, action, params, session_start}]) and the new
 * place in one transaction, if the place still is source's: else somebody else has taken them, and
 * nothing is written. A session is named where just one of the actor's on that endpoint began then.
 */
CHECKED bool statement_take(Catalog *catalog, const StatementSource *source, const char *file,
                            int64_t offset, const json_t *rows, Error *err);
