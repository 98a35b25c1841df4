/* What the programs have in common that others start and that run until they are ended. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* The main of a program `NAME --home DIRECTORY`: reads the arguments (--version too), lets nothing
 * be made that others may read, and runs. A failure is logged; returns the exit status. */
int service_main(int argc, char **argv, const char *name, const char *usage,
                 bool (*run)(const char *home, Error *err));
