/* Rows as the JSON objects of docs/api.md. */
#pragma once

#include "branch/context.h"

/* ISO 8601 in UTC, JSON null for 0. */
json_t *describe_time(int64_t microseconds);
json_t *describe_project(Context *context, const ProjectRow *row);
json_t *describe_endpoint(const EndpointRow *row, const char *branch_name);
CHECKED bool describe_branch(Context *context, const ProjectRow *project, const BranchRow *branch,
                             json_t **ret, Error *err);
/* As describe_branch, with an endpoint row that the caller has already. */
json_t *describe_branch_with(const ProjectRow *project, const BranchRow *branch,
                             const EndpointRow *endpoint);
/* What a database's name is followed by, behind "@", to mean that branch: its name, or its
 * endpoint's id where several projects have a branch of that name. Borrowed from the others. */
const char *describe_place(Context *context, const BranchRow *branch, const json_t *description);
/* The connection string of a branch for the caller, through the proxy and without a password; owned
 * by the caller. description: of the branch. */
char *describe_url(Context *context, const ProjectRow *project, const BranchRow *branch,
                   const json_t *description);
/* The same over the compute's own socket, for those on this machine whom it lets; it must run. */
char *describe_socket_url(Context *context, const ProjectRow *project, const json_t *description);
/* {host, port} of the proxy; false when config.json wants none. */
bool describe_proxy(const Context *context, const char **ret_host, int *ret_port);
/* Name of the database that people mean when they name none; borrowed from the row. */
const char *describe_database(const ProjectRow *project);
