/* Looking: lists and details of projects, branches, endpoints, operations, as docs/api.md says. */
#pragma once

#include "branch/context.h"

CHECKED bool show_projects(Context *context, json_t **ret, Error *err);
CHECKED bool show_branches(Context *context, const ProjectRow *project, json_t **ret, Error *err);
CHECKED bool show_branch(Context *context, const ProjectRow *project, const char *name,
                         json_t **ret, Error *err);
CHECKED bool show_url(Context *context, const ProjectRow *project, const char *name, json_t **ret,
                      Error *err); /* starts the compute */
CHECKED bool show_endpoints(Context *context, const ProjectRow *project, json_t **ret, Error *err);
CHECKED bool show_endpoint(Context *context, const ProjectRow *project, const char *name,
                           json_t **ret, Error *err);
CHECKED bool show_operations(Context *context, json_t **ret, Error *err);
CHECKED bool show_pool(Context *context, json_t **ret, Error *err);
