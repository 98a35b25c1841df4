/* cgroup v2, where a subtree is delegated to the agent: "cgroup" in config.json names it. */
#pragma once

#include "compute/compute.h"

/* Makes the group of a compute and sets its limits, as far as the subtree has their controllers.
 * *ret is its directory, owned; NULL where nothing is delegated. */
CHECKED bool cgroup_make(const Home *home, const ComputeSpec *spec, char **ret, Error *err);

/* Moves the calling process into the group. directory may be NULL. */
CHECKED bool cgroup_enter(const char *directory, Error *err);

/* Removes the empty group of a compute that is stopped; one that isn't there is fine. */
void cgroup_remove(const Home *home, const ComputeSpec *spec);
