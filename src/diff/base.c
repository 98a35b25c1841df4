/* The fork's record of identities, as the set of numbers that there were. */
#include "diff/base.h"

#include "core/json.h"
#include "core/str.h"

#include <stdlib.h>
#include <string.h>

struct Base {
  NumberMap numbers;
};

static char present; /* what the map's values point to: being there is all that counts */

/* The catalog of a record's word; 0: unknown, or without objects of its own. */
static uint32_t classid_of(const char *word, size_t length) {
  for (size_t kind = 0; kind < KIND_COUNT; kind++) {
    const Kind *info = kind_info((ObjectKind)kind);
    if (strlen(info->record) == length && memcmp(info->record, word, length) == 0)
      return info->classid;
  }
  return 0;
}

/* "catalog oid attribute-number ..." */
static void take_line(Base *base, const char *line) {
  size_t word = strcspn(line, " ");
  uint32_t classid = classid_of(line, word);
  if (word == 0 || classid == 0 || line[word] != ' ')
    return;
  char *end = NULL;
  unsigned long oid = strtoul(line + word + 1, &end, 10);
  if (end == line + word + 1 || *end != ' ')
    return;
  long subid = strtol(end + 1, NULL, 10);
  number_map_put(&base->numbers, (Number){classid, (uint32_t)oid, (int32_t)subid}, &present);
}

/* "database OID NAME", the name as a JSON string */
static bool is_database(const char *line, size_t length, const char *database) {
  const char *name = memchr(line, '"', length);
  if (name == NULL)
    return false;
  AUTO(json_free)
  json_t *value =
      json_loadb(name, length - (size_t)(name - line), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  return str_equal(json_string_value(value), database);
}

Base *base_parse(const char *record, const char *database) {
  Base *base = mem_new(1, sizeof *base);
  bool is_ours = false;
  for (const char *line = record; *line != '\0';) {
    size_t length = strcspn(line, "\n");
    if (str_starts(line, "database "))
      is_ours = is_database(line, length, database);
    else if (is_ours)
      take_line(base, line);
    line += length + (line[length] == '\n' ? 1 : 0);
  }
  return base;
}

void base_free(Base *base) {
  if (base == NULL)
    return;
  number_map_release(&base->numbers);
  mem_free(base);
}

bool base_has(const Base *base, Number number) {
  return number_map_get(&base->numbers, number) != NULL;
}
