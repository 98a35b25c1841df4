/* Statements that pgaudit records on tiers whose policy asks for it: from the servers' logs into
 * the audit, each once. */
#pragma once

#include "branch/context.h"

/* Reads what is new in all logs. One that can't be read is told in events and tried again. */
CHECKED bool statement_collect_all(Context *context, json_t *events, Error *err);

/* Reads the rest of one before its volume goes. Nothing where none is read. */
CHECKED bool statement_collect_last(Context *context, const char *volume, Error *err);
