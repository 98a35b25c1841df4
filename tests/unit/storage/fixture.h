/* Throw-away file systems for the tests of storage: files under /tmp, mounted over loop devices. */
#pragma once

#include "core/base.h"

/* A fresh directory under /tmp that everybody may enter. Owned. */
char *fixture_new(void);
/* Unmounts everything below it and removes it. */
void fixture_free(char *root);

/* Runs a program to its end; false when it is missing or fails, which is printed. */
bool fixture_run(const char *const *argv);

/* Makes a file of that size (sparse), a file system in it with argv (the file is added at its end),
 * and mounts it at ROOT/NAME with options. NULL, with the reason printed, where that isn't
 * possible. Owned. */
char *fixture_mount(const char *root, const char *name, int64_t size, const char *const *mkfs,
                    const char *options);

/* Why the tests that need root and loop devices can't run; NULL when they can. */
const char *fixture_why_no_mounts(void);
