/* The part of a proof that runs migrations while others work on the database. */
#pragma once

#include "branch/context.h"

/* Applies what the request wants to one more scratch branch of parent, one migration after the
 * other, each beside the load "load" of the request. *ret: [{version, file, ok, code?, message?,
 * duration_ms, and what load_end tells}], owned by the caller; it ends with the first that fails.
 */
CHECKED bool verify_under_load(Context *context, const ProjectRow *project, const char *parent,
                               const json_t *body, json_t **ret, Error *err);
