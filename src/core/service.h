/* What the programs have in common that others start and that run until they are ended. */
#pragma once

#include "core/base.h"
#include "core/error.h"

#include <sys/types.h>

/* The main of a program `NAME --home DIRECTORY`: reads the arguments (--version too), lets nothing
 * be made that others may read, and runs. A failure is logged; returns the exit status. */
int service_main(int argc, char **argv, const char *name, const char *usage,
                 bool (*run)(const char *home, Error *err));

/* Writes {pid, start_time} of this process to path. */
CHECKED bool service_write_pid(const char *path, mode_t mode, Error *err);

/* Puts "NAME=VALUE" of those that the environment has to ret, each to be freed; returns how many.
 */
size_t service_pass_environment(const char *const *names, size_t name_count, char **ret);
