/* Reads, keeps and writes backup_label. */
#include "agent/label.h"

#include "core/io.h"
#include "core/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_LIMIT = 8192, LABEL_MODE = 0600 };

static char *label_path(const char *data) {
  return path_join(data, "backup_label");
}

bool label_read(const char *data, char **ret, Error *err) {
  AUTO(str_free) char *path = label_path(data);
  if (!io_exists(path)) {
    *ret = NULL;
    return true;
  }
  return io_read_file(path, LABEL_LIMIT, ret, NULL, err);
}

bool label_write(const char *data, const char *label, Error *err) {
  AUTO(str_free) char *path = label_path(data);
  return label == NULL || io_write_file(path, label, strlen(label), LABEL_MODE, err);
}

/* The word behind "key: " at the start of a line, owned; NULL when there is none. */
static char *find_value(const char *label, const char *key) {
  for (const char *line = label; line != NULL; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (str_starts(line, key))
      return str_ndup(line + strlen(key), strcspn(line + strlen(key), " \n"));
  }
  return NULL;
}

static bool find_lsn(const char *label, const char *key, Lsn *ret, Error *err) {
  AUTO(str_free) char *text = find_value(label, key);
  if (text == NULL)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "the backup label has no \"%s\"", key);
  return lsn_parse(text, ret, err);
}

bool label_apply(const char *label, Control *control, Error *err) {
  Control found = *control;
  AUTO(str_free) char *timeline = find_value(label, "START TIMELINE: ");
  if (!find_lsn(label, "START WAL LOCATION: ", &found.redo, err) ||
      !find_lsn(label, "CHECKPOINT LOCATION: ", &found.checkpoint, err))
    return false;
  unsigned long number = timeline != NULL ? strtoul(timeline, NULL, 10) : 0;
  if (number == 0 || number > UINT32_MAX)
    return error_set(err, ERROR_SNAPSHOT_INVALID, "the backup label has no timeline");
  found.timeline = (uint32_t)number;
  *control = found;
  return true;
}
