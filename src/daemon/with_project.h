/* What handlers have in common that mean something in a project. */
#pragma once

#include "catalog/catalog.h"
#include "daemon/route.h"

/* The body of a handler: the project is found, used by the expression as `project`, released. */
#define WITH_PROJECT(expression)                                                                   \
  ProjectRow project = {0};                                                                        \
  if (!project_resolve(context, request->project, &project, err))                                  \
    return false;                                                                                  \
  bool ok = (expression);                                                                          \
  project_row_release(&project);                                                                   \
  return ok
