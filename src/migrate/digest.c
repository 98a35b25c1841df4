/* Makes the checksum of a schema from what src/diff reads of it. */
#include "migrate/digest.h"

#include "core/str.h"
#include "diff/compare.h"
#include "diff/read.h"
#include "migration/migration.h"

#include <string.h>

static void add_text(Buffer *text, const char *value) {
  if (value != NULL)
    buffer_add_format(text, "%zu:%s", strlen(value), value); /* no value ends in another one */
  buffer_add_text(text, ";");
}

/* Without what Bough gave to its own roles, which it does when somebody comes: default privileges
 * that say nothing else aren't there. */
static void add_object(Buffer *text, Arena *arena, const Object *object) {
  const char *grants = object_grants(arena, object);
  if (object->kind == KIND_DEFAULT_PRIVILEGE && grants[0] == '\0')
    return;
  const Kind *kind = kind_info(object->kind);
  buffer_add_format(text, "%s %d ", kind->name, (int)object->position);
  object_add_identity(text, object);
  add_text(text, object->owner);
  add_text(text, grants);
  add_text(text, object->comment);
  add_text(text, object->labels);
  add_text(text, object->definition);
  for (size_t at = 0; object->values != NULL && at < kind->property_count; at++)
    add_text(text, object->values[at]);
  buffer_add_text(text, "\n");
}

/* The server's words, under the code that says what to do. The connection has run a ROLLBACK since.
 */
static bool explain(Error *err) {
  Error server = *err;
  if (strstr(server.message, "(SQLSTATE 55P03)") == NULL)
    return false;
  (void)error_set(err, ERROR_MIGRATION_LOCKED, "reading the schema: %s", server.message);
  return error_hint(err, "somebody keeps a table locked; try again, or with more --attempts");
}

bool schema_digest(const Target *target, int lock_timeout_ms, char ret[SCHEMA_DIGEST_SIZE],
                   Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  AUTO(schema_free) Schema *schema = NULL;
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  if (!target_connect(target, SESSION_READER, lock_timeout_ms, &conn, err))
    return false;
  if (!schema_read(conn, 0, &schema, err))
    return explain(err);
  buffer_add_text(&text, "");
  for (size_t at = 0; at < schema->count; at++)
    add_object(&text, &schema->arena, schema->objects[at]);
  migration_checksum(text.text, ret);
  return true;
}
