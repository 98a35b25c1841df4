/* backup_label: where recovery of a copy has to start whose files are of different moments. */
#pragma once

#include "pg/control.h"

/* Keeps the file in data across clean_files, which removes it: reads it, *ret is NULL when there is
 * none. Owned. */
CHECKED bool label_read(const char *data, char **ret, Error *err);
/* Writes it, durably. label NULL: nothing to do. */
CHECKED bool label_write(const char *data, const char *label, Error *err);

/* Puts the label's start into control, in place of what pg_control says: that is of a later moment.
 * Pure. */
CHECKED bool label_apply(const char *label, Control *control, Error *err);
