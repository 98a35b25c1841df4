/* Reads what the names of files say: version, name and direction, in each layout. */
#include "core/str.h"
#include "migration/internal.h"

#include <ctype.h>
#include <string.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool copy(char *to, const char *from, size_t length) {
  if (length > MIGRATION_NAME_LIMIT)
    return false;
  memcpy(to, from, length);
  to[length] = '\0';
  return true;
}

/* Cuts suffix off the first *length bytes of text. */
static bool cut(const char *text, size_t *length, const char *suffix) {
  size_t cut_length = strlen(suffix);
  if (*length < cut_length || memcmp(text + *length - cut_length, suffix, cut_length) != 0)
    return false;
  *length -= cut_length;
  return true;
}

/* Digits, one of separators, and the rest as the name. */
static bool read_numbered(const char *text, size_t length, const char *separators, FileName *ret) {
  size_t digits = 0;
  while (digits < length && is_digit(text[digits]))
    digits++;
  return digits > 0 && digits + 1 < length && strchr(separators, text[digits]) != NULL &&
         copy(ret->version, text, digits) &&
         copy(ret->name, text + digits + 1, length - digits - 1);
}

static FileRole read_bough(const char *path, FileName *ret) {
  size_t length = strlen(path);
  if (!cut(path, &length, ".sql"))
    return FILE_OTHER;
  FileRole role = cut(path, &length, ".undo") ? FILE_DOWN : FILE_UP;
  size_t shorter = length;
  if (cut(path, &shorter, ".up") || cut(path, &shorter, ".down"))
    return FILE_OTHER;
  return read_numbered(path, length, "_", ret) ? role : FILE_OTHER;
}

/* "_up.sql" is no up file for the tools either: what they never ran isn't run here. */
static FileRole cut_direction(const char *path, size_t *length) {
  if (cut(path, length, ".up.sql"))
    return FILE_UP;
  return cut(path, length, ".down.sql") ? FILE_DOWN : FILE_OTHER;
}

static FileRole read_golang(const char *path, FileName *ret) {
  size_t length = strlen(path);
  FileRole role = cut_direction(path, &length);
  size_t mark = (path[0] == 'V' || path[0] == 'v') && length > 0 ? 1 : 0;
  if (role == FILE_OTHER || strchr(path, '/') != NULL)
    return FILE_OTHER;
  return read_numbered(path + mark, length - mark, "_.-", ret) ? role : FILE_OTHER;
}

static FileRole read_stem(const char *path, FileName *ret) {
  size_t length = strlen(path);
  FileRole role = cut_direction(path, &length);
  if (role == FILE_OTHER || length == 0 || strchr(path, '/') != NULL)
    return FILE_OTHER;
  return copy(ret->version, path, length) && copy(ret->name, path, length) ? role : FILE_OTHER;
}

/* "1_2" and "1.2" are one version. */
static bool read_flyway_version(const char *text, size_t length, char *ret) {
  bool after_digit = false;
  if (length == 0 || length > MIGRATION_NAME_LIMIT)
    return false;
  for (size_t at = 0; at < length; at++) {
    bool separates = text[at] == '.' || text[at] == '_';
    if (!is_digit(text[at]) && !(separates && after_digit))
      return false;
    after_digit = !separates;
    ret[at] = separates ? '.' : text[at];
  }
  ret[length] = '\0';
  return after_digit;
}

static FileRole read_flyway(const char *path, FileName *ret) {
  static const struct {
    char mark;
    FileRole role;
  } roles[] = {{'V', FILE_UP}, {'U', FILE_DOWN}, {'R', FILE_REPEATABLE}};
  const char *slash = strrchr(path, '/');
  const char *file = slash != NULL ? slash + 1 : path;
  size_t length = strlen(file);
  bool is_settings = cut(file, &length, ".conf");
  const char *name = strstr(file, "__");
  if (!cut(file, &length, ".sql") || name == NULL || (size_t)(name - file) + 2 >= length)
    return FILE_OTHER;
  FileRole role = FILE_OTHER;
  for (size_t at = 0; at < ARRAY_LENGTH(roles); at++)
    role = file[0] == roles[at].mark ? roles[at].role : role;
  size_t version = (size_t)(name - file) - 1;
  if (role == FILE_OTHER || (role == FILE_REPEATABLE && version != 0) ||
      (role != FILE_REPEATABLE && !read_flyway_version(file + 1, version, ret->version)) ||
      !copy(ret->name, name + 2, length - (size_t)(name + 2 - file)))
    return FILE_OTHER;
  return is_settings ? FILE_SETTINGS : role;
}

static FileRole read_directory(const char *path, FileName *ret) {
  static const struct {
    const char *file;
    FileRole role;
  } roles[] = {{"up.sql", FILE_UP}, {"down.sql", FILE_DOWN}, {"metadata.toml", FILE_SETTINGS}};
  const char *slash = strchr(path, '/');
  if (slash == NULL)
    return FILE_OTHER;
  FileRole role = FILE_OTHER;
  for (size_t at = 0; at < ARRAY_LENGTH(roles); at++)
    role = str_equal(slash + 1, roles[at].file) ? roles[at].role : role;
  size_t digits = 0;
  const char *at = path;
  for (; at < slash && (is_digit(*at) || (*at == '-' && digits > 0)); at++) {
    if (digits >= MIGRATION_NAME_LIMIT)
      return FILE_OTHER;
    if (is_digit(*at))
      ret->version[digits++] = *at;
  }
  ret->version[digits] = '\0';
  bool named = digits > 0 && *at == '_' && copy(ret->name, at + 1, (size_t)(slash - at) - 1);
  return named ? role : FILE_OTHER;
}

static FileRole read_sections(const char *path, FileName *ret) {
  size_t length = strlen(path);
  return cut(path, &length, ".sql") && strchr(path, '/') == NULL &&
                 read_numbered(path, length, "_-.", ret)
             ? FILE_BOTH
             : FILE_OTHER;
}

void file_name_read(MigrationLayout layout, const char *path, FileName *ret) {
  static FileRole (*const readers[LAYOUT_COUNT_])(const char *, FileName *) = {
      [LAYOUT_BOUGH] = read_bough,           [LAYOUT_FLYWAY] = read_flyway,
      [LAYOUT_NUMBERED] = read_golang,       [LAYOUT_STEM] = read_stem,
      [LAYOUT_DIRECTORIES] = read_directory, [LAYOUT_DBMATE] = read_sections,
      [LAYOUT_GOOSE] = read_sections,
  };
  *ret = (FileName){.role = FILE_OTHER};
  ret->role = readers[layout](path, ret);
}
