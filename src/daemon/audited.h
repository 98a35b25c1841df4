/* What the audit is told of a request: its action and, by an allow-list, what of its body and path.
 */
#pragma once

#include "daemon/route.h"

typedef struct Audited {
  const char *method;
  const char *pattern; /* of the route */
  const char *action;
  const char *keys; /* members of the body that may be recorded, apart by blanks; never a secret */
  bool quiet;       /* a success leaves no row, or the one that the use case writes */
} Audited;

/* The row of a route. One without a row of its own has its method for an action and no keys, and is
 * quiet if it only reads. */
Audited audited_find(const Route *route);

/* The allowed parts of a request, message being what boughd gives its worker. Owned by the caller.
 */
json_t *audited_params(const Audited *audited, const json_t *message);

/* All rows, for the test that holds them against the routes. */
const Audited *audited_list(size_t *ret_count);
