/* project create: a project and its root branch, empty or with the data of a sample, of SQL files
 * or of another PostgreSQL. What is loaded comes from strangers: it is loaded without superuser
 * rights, owned by roles that nobody can log in as, and nobody is given a route before it is
 * cleaned. */
#pragma once

#include "branch/context.h"

/* POST /v1/projects of docs/api.md. *ret is owned by the caller. */
CHECKED bool project_create(Context *context, const json_t *request, json_t **ret, Error *err);

/* Recovery of an interrupted one: its volume and rows go, as if it had never been asked for.
 * Idempotent. */
bool project_create_undo(Context *context, const OperationRow *operation, Error *err);
