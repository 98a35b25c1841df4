/* Operations on branches: recorded before their first outside effect, moved forward by steps that
 * may be repeated, finished or undone after a crash. */
#pragma once

#include "branch/context.h"

/* Records a running operation that holds branch. params is stolen and may be NULL. The row keeps
 * who runs it, so that recovery leaves the living alone. */
CHECKED bool operation_begin(Context *context, const char *kind, const char *project,
                             const char *branch, json_t *params, OperationRow *ret, Error *err);

/* Ends the operation as failed with failure on its row. For callers whose undo is done; what can't
 * be written now is found by recovery. */
void operation_fail(Context *context, const OperationRow *operation, const Error *failure);

/* Whether the one that ran it is gone. */
bool operation_is_orphan(const OperationRow *operation);

typedef bool OperationRecover(Context *context, const OperationRow *operation, Error *err);

typedef struct OperationKind {
  const char *name;
  OperationRecover *recover; /* finishes or undoes; leaves the row finished */
  const char *summary;       /* what recovery does */
} OperationKind;

/* The table of kinds, in operation.c. */
const OperationKind *operation_kind(const char *name);
