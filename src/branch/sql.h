/* The statements of this folder that are too long for a string: src/branch/sql/, as they can be run
 * in psql. */
#pragma once

/* The text of that file, which must be one of the build's. */
const char *branch_sql(const char *file);
