/* Which branch a client means: by TLS server name, by options, or behind the @ of the database. */
#pragma once

#include "core/base.h"
#include "core/error.h"

typedef struct Target {
  char *endpoint; /* "ep-..." or a name below the domain; NULL: not named so */
  char *branch;   /* behind the last @; NULL: not named so */
  char *database; /* without that */
} Target;
void target_release(Target *target);

/* The endpoint in a server name, owned; NULL when it names none. With a domain: the one label in
 * front of it. Without: the first label if it has the form of an endpoint's id, since any other
 * name is just the host's. */
char *target_endpoint_of_server_name(const char *server_name, const char *domain);

/* by_server_name and by_options may be NULL. Refuses two that differ, naming both. That endpoint
 * and branch agree is for boughd to see. None at all is refused, but for the database "system". */
CHECKED bool target_resolve(const char *by_server_name, const char *by_options,
                            const char *database, Target *ret, Error *err);
