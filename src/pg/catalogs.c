/* Finds catalogs among the files of a data directory. */
#include "pg/catalogs.h"

#include "core/io.h"
#include "core/str.h"
#include "pg/bytes.h"
#include "pg/heap.h"

#include <fcntl.h>

enum { NAME_SIZE = 64 /* NAMEDATALEN */, DATABASE_ROW = 4 + NAME_SIZE };

const uint32_t catalog_files[] = {
    826,  /* pg_default_acl */
    1247, /* pg_type */
    1249, /* pg_attribute */
    1255, /* pg_proc */
    1259, /* pg_class */
    1417, /* pg_foreign_server */
    1418, /* pg_user_mapping */
    2224, /* pg_sequence */
    2328, /* pg_foreign_data_wrapper */
    2600, /* pg_aggregate */
    2601, /* pg_am */
    2602, /* pg_amop */
    2603, /* pg_amproc */
    2604, /* pg_attrdef */
    2605, /* pg_cast */
    2606, /* pg_constraint */
    2607, /* pg_conversion */
    2608, /* pg_depend */
    2609, /* pg_description */
    2610, /* pg_index */
    2611, /* pg_inherits */
    2612, /* pg_language */
    2615, /* pg_namespace */
    2616, /* pg_opclass */
    2617, /* pg_operator */
    2618, /* pg_rewrite */
    2620, /* pg_trigger */
    2753, /* pg_opfamily */
    3079, /* pg_extension */
    3118, /* pg_foreign_table */
    3256, /* pg_policy */
    3350, /* pg_partitioned_table */
    3381, /* pg_statistic_ext */
    3456, /* pg_collation */
    3466, /* pg_event_trigger */
    3501, /* pg_enum */
    3541, /* pg_range */
    3576, /* pg_transform */
    3596, /* pg_seclabel */
    3600, /* pg_ts_dict */
    3601, /* pg_ts_parser */
    3602, /* pg_ts_config */
    3603, /* pg_ts_config_map */
    3764, /* pg_ts_template */
    6104, /* pg_publication */
    6106, /* pg_publication_rel */
    6237, /* pg_publication_namespace */
    0,
};

typedef struct Search {
  const char *name;
  uint32_t oid; /* 0: not found */
} Search;

/* pg_database begins with oid and datname. */
static void look_at_database(void *context, const uint8_t *row, size_t length) {
  Search *search = context;
  char name[NAME_SIZE + 1] = "";
  if (length < DATABASE_ROW)
    return;
  memcpy(name, row + 4, NAME_SIZE);
  if (str_equal(name, search->name))
    search->oid = bytes_u32(row, 0);
}

bool catalog_database(const char *data, const char *name, uint32_t *ret) {
  Search search = {.name = name};
  AUTO(str_free) char *path = path_join(data, "global/1262");
  AUTO_RELEASE(fd_release) int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0 || !heap_file_rows(file, look_at_database, &search) || search.oid == 0)
    return false;
  *ret = search.oid;
  return true;
}
