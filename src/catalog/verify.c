/* Reads every row there is, for those that make no sense. */
#include "catalog/row.h"

static const struct {
  const Table *table;
  const char *tail;
} parts[] = {
    {&project_table, ""},
    {&branch_table, ""},
    {&endpoint_table, ""},
    {&operation_table,
     "WHERE t.state = 'running'"}, /* finished ones are only shown, and are many */
    {&operation_table, "WHERE t.state <> 'running' ORDER BY t.serial DESC LIMIT 1000"},
    {&principal_table, ""},
    {&promotion_table, "ORDER BY t.serial DESC LIMIT 1000"},
};

static bool verify_part(Catalog *catalog, const Table *table, const char *tail, json_t *messages,
                        Error *err) {
  void *rows = NULL;
  size_t count = 0;
  if (!table_list(catalog, table, tail, 0, NULL, &rows, &count, NULL, messages, err))
    return false;
  for (size_t at = 0; at < count; at++)
    table_row_release(table, (char *)rows + at * table->row_size);
  mem_free(rows);
  return true;
}

bool catalog_verify(Catalog *catalog, json_t **ret, Error *err) {
  AUTO(json_free) json_t *messages = json_array();
  for (size_t at = 0; at < ARRAY_LENGTH(parts); at++)
    if (!verify_part(catalog, parts[at].table, parts[at].tail, messages, err))
      return false;
  *ret = STEAL(messages);
  return true;
}
