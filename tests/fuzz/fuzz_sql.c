/* Scripts from anywhere: parts lie in order within the text, what is parsed has a name, and walking
 * and freeing every tree works. */
#include "fuzz.h"
#include "sql/sql.h"
#include "sql/tree.h"

static bool visit(void *context, const ProtobufCMessage *message) {
  HOLDS(message->descriptor != NULL);
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(sql_free) SqlScript *script = NULL;
  if (!sql_parse((const char *)bytes, length, &script, NULL))
    return 0;
  size_t end = 0;
  for (size_t at = 0; at < script->count; at++) {
    const SqlPart *part = &script->parts[at];
    HOLDS(part->start >= end && part->length <= length - part->start);
    HOLDS((part->tree != NULL) == (part->name != NULL));
    HOLDS(part->kind != SQL_STATEMENT || (part->tree != NULL) != (part->error != NULL));
    end = part->start + part->length;
    tree_walk_node(part->tree, visit, NULL);
  }
  return 0;
}
