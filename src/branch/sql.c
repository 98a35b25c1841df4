/* Finds embedded SQL files by name. */
#include "branch/sql.h"

#include "core/embed.h"
#include "core/str.h"

#include <stdlib.h>

extern const EmbeddedFile branch_sql_files[]; /* made from sql/ by tools/embed.sh */
extern const size_t branch_sql_files_count;

const char *branch_sql(const char *file) {
  for (size_t at = 0; at < branch_sql_files_count; at++)
    if (str_equal(branch_sql_files[at].name, file))
      return branch_sql_files[at].text;
  abort(); /* a name that isn't in meson.build: every use is covered by a test */
}
