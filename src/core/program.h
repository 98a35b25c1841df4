/* Where Bough's own programs and data files lie: installed below one prefix (bin, libexec/bough,
 * share/bough), or in the build directory that the running program was built in. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* The path of a program, "boughd" or "bough-setup"; owned by the caller. */
CHECKED bool program_path(const char *name, char **ret, Error *err);

/* The path of a file of share/bough, "systemd/boughd.service.in"; owned by the caller. */
CHECKED bool program_data_path(const char *name, char **ret, Error *err);
