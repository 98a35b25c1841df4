/* Finds embedded SQL files by name. */
#include "migrate/sql.h"

#include "core/embed.h"
#include "core/str.h"

#include <stdlib.h>

extern const EmbeddedFile migrate_sql_files[]; /* made from sql/ by tools/embed.sh */
extern const size_t migrate_sql_files_count;

const char *migrate_sql(const char *file) {
  for (size_t at = 0; at < migrate_sql_files_count; at++)
    if (str_equal(migrate_sql_files[at].name, file))
      return migrate_sql_files[at].text;
  abort(); /* a name that isn't in meson.build: every use is covered by a test */
}
