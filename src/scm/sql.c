/* Finds embedded SQL files by name. */
#include "scm/sql.h"

#include "core/embed.h"
#include "core/str.h"

#include <stdlib.h>

extern const EmbeddedFile scm_sql_files[]; /* made from sql/ by tools/embed.sh */
extern const size_t scm_sql_files_count;

const char *scm_sql(const char *file) {
  for (size_t at = 0; at < scm_sql_files_count; at++)
    if (str_equal(scm_sql_files[at].name, file))
      return scm_sql_files[at].text;
  abort(); /* a name that isn't in meson.build: every use is covered by a test */
}
