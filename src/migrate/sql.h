/* The statements of src/migrate/sql/, as they can be run in psql. */
#pragma once

/* The text of that file, which must be one of the build's. */
const char *migrate_sql(const char *file);
