/* Texts of a strange database on their way through the schema diff: the fork's record, grants,
 * definitions with renames, and what people see of them. */
#include "core/escape.h"
#include "diff/compare.h"
#include "fuzz.h"

#include <string.h>

static Object *table_with(Schema *schema, const char *name, const char *column, const char *text) {
  Object *table = schema_add(schema, KIND_TABLE, NULL, "public", name);
  table->oid = 16400;
  table->owner = "jo";
  table->grants = text;
  Object *part = schema_add(schema, KIND_COLUMN, table, "", column);
  part->oid = table->oid;
  part->subid = 1;
  object_set(schema, part, "default", text);
  return table;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(str_free) char *text = fuzz_text(bytes, length);
  AUTO(schema_free) Schema *before = schema_new();
  AUTO(schema_free) Schema *after = schema_new();
  (void)table_with(before, "t", "a", text);
  (void)table_with(after, "u", text, text);
  schema_finish(before);
  schema_finish(after);
  AUTO(base_free) Base *base = base_parse(text, "app");
  AUTO(diff_free) Diff *diff = diff_compare(before, after, base);
  HOLDS(diff->count > 0); /* the table's name differs */
  AUTO_RELEASE(buffer_release) Buffer page = {0};
  escape_inline(&page, text);
  HOLDS(page.length == 0 || strpbrk(page.text, "<>`*_[]@\n\033") == NULL);
  buffer_clear(&page);
  escape_terminal(&page, text, -1);
  for (size_t at = 0; at < page.length; at++)
    HOLDS((unsigned char)page.text[at] >= 0x20);
  return 0;
}
