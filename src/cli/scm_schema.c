/* Holds a state file against its published schema. */
#include "cli/scm_schema.h"

#include "core/embed.h"
#include "core/json_schema.h"

#include <string.h>

extern const EmbeddedFile scm_schema_files[];
extern const size_t scm_schema_files_count;

static void note_first(void *context, const JsonSchemaFinding *finding) {
  Error *err = context;
  if (err->code == ERROR_NONE)
    (void)error_set(err, ERROR_STATE_FILE_DIFFERS, "the state file, at \"%s%s%s\": %s%s%s",
                    finding->pointer, finding->member != NULL ? "/" : "",
                    finding->member != NULL ? finding->member : "", finding->message,
                    finding->expected[0] != '\0' ? ", expected " : "", finding->expected);
}

bool scm_schema_check(const json_t *state, Error *err) {
  AUTO(json_free) json_t *schema = NULL;
  Error first = ERROR_INIT;
  const char *text = scm_schema_files[0].text;
  if (!json_parse(text, strlen(text), &schema, err) || !json_schema_check(schema, err))
    return false;
  if (json_schema_validate(schema, state, note_first, &first))
    return true;
  return error_set(err, ERROR_STATE_FILE_DIFFERS, "%s", first.message);
}
