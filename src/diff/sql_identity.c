/* Identity columns: their sequences as CREATE TABLE and ALTER TABLE take them. */
#include "diff/sql_build.h"

#include <string.h>

/* "SEQUENCE NAME s AS type START WITH ...": the last START WITH, because s may be called anything.
 */
static const char *sequence_options(const char *sequence) {
  static const char start[] = " START WITH ";
  const char *ret = NULL;
  for (const char *at = strstr(sequence, start); at != NULL; at = strstr(at + 1, start))
    ret = at;
  return ret != NULL ? ret : sequence + strlen(sequence);
}

/* How long the part with the name is; the type behind it is the column's and must not be said. */
static size_t sequence_name_length(const char *sequence) {
  static const char *const types[] = {" AS smallint", " AS integer", " AS bigint"};
  size_t length = (size_t)(sequence_options(sequence) - sequence);
  for (size_t at = 0; at < ARRAY_LENGTH(types); at++) {
    size_t tail = strlen(types[at]);
    if (length > tail && strncmp(sequence + length - tail, types[at], tail) == 0)
      return length - tail;
  }
  return length;
}

void identity_add(Buffer *sql, const Object *column) {
  const char *sequence = value_of(column, "identity_sequence");
  sql_add(sql, " GENERATED %s AS IDENTITY",
          value_of(column, "identity")[0] == 'a' ? "ALWAYS" : "BY DEFAULT");
  if (sequence[0] == '\0')
    return;
  sql_add(sql, " (");
  buffer_add(sql, sequence, sequence_name_length(sequence));
  sql_add(sql, "%s)", sequence_options(sequence));
}

/* "START WITH 1 INCREMENT BY 2 ..." as "SET START WITH 1 SET INCREMENT BY 2 ...". */
static void add_sets(Buffer *sql, const char *options) {
  static const char *const words[] = {"START", "INCREMENT", "MINVALUE", "MAXVALUE",
                                      "CACHE", "NO",        "CYCLE"};
  bool after_no = false;
  while (*(options += strspn(options, " ")) != '\0') {
    size_t length = strcspn(options, " ");
    for (size_t at = 0; at < ARRAY_LENGTH(words); at++)
      if (strlen(words[at]) == length && strncmp(options, words[at], length) == 0 && !after_no)
        sql_add(sql, " SET");
    after_no = length == 2 && strncmp(options, "NO", length) == 0;
    sql_add(sql, " ");
    buffer_add(sql, options, length);
    options += length;
  }
}

/* The sequence goes on where it is; only another name makes a new one. */
static bool set_identity(Build *build, const Node *node) {
  const Object *column = node->object;
  const PropertyChange *kind = node_change(node, "identity");
  const PropertyChange *change = node_change(node, "identity_sequence");
  if (change != NULL && change->before != NULL && change->after != NULL) {
    size_t length = sequence_name_length(change->before);
    if (sequence_name_length(change->after) != length ||
        strncmp(change->before, change->after, length) != 0)
      return false;
  }
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER TABLE %P ALTER COLUMN %I", column, column->name);
  size_t empty = sql.length;
  if (kind != NULL)
    sql_add(&sql, " SET GENERATED %s", kind->after[0] == 'a' ? "ALWAYS" : "BY DEFAULT");
  if (change != NULL && change->before != NULL && change->after != NULL &&
      !str_equal(sequence_options(change->before), sequence_options(change->after)))
    add_sets(&sql, sequence_options(change->after));
  if (sql.length > empty)
    emit_buffer(build, 0, NULL, &sql);
  return true;
}

void identity_alter(Build *build, const Node *node) {
  const Object *column = node->object;
  const char *before = object_property(node->partner->object, "identity");
  const char *after = object_property(column, "identity");
  if (before != NULL && after != NULL && set_identity(build, node))
    return;
  if (before != NULL)
    emit(build, after != NULL ? 0 : EMIT_DESTRUCTIVE,
         "ALTER TABLE %P ALTER COLUMN %I DROP IDENTITY", column, column->name);
  if (after == NULL)
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER TABLE %P ALTER COLUMN %I ADD", column, column->name);
  identity_add(&sql, column);
  emit_buffer(build, 0,
              before != NULL ? "the sequence starts anew: set it past the highest value" : NULL,
              &sql);
}
