/* The statements of this folder that are too long for a string: src/scm/sql/, as they can be run in
 * psql. */
#pragma once

/* The text of that file, which must be one of the build's. */
const char *scm_sql(const char *file);
