/* What the files of this folder share. */
#pragma once

#include "migration/migration.h"

typedef enum FileRole {
  FILE_OTHER, /* none of the layout's files */
  FILE_UP,
  FILE_DOWN,
  FILE_BOTH, /* sections in one file */
  FILE_REPEATABLE,
  FILE_SETTINGS, /* says something about another file */
} FileRole;

typedef struct FileName {
  FileRole role;
  char version[MIGRATION_NAME_LIMIT + 1];
  char name[MIGRATION_NAME_LIMIT + 1];
} FileName;

/* What a file is called in that layout; FILE_OTHER when it isn't its file. */
void file_name_read(MigrationLayout layout, const char *path, FileName *ret);

/* Whether a text has the marks of a layout that keeps both directions in one file. */
bool sections_are_there(MigrationLayout layout, const char *text);
/* Takes up and down text and their marks from such a text into migration. Lines of the other
 * section become empty, so that line numbers stay. file: for messages. */
CHECKED bool sections_read(MigrationLayout layout, const char *file, const char *text,
                           Migration *migration, Error *err);
/* Whether the comments before the first statement say that the text wants no transaction. */
bool text_wants_no_transaction(const char *text);
/* The same of a file with settings, which holds "KEY = false". */
bool settings_want_no_transaction(const char *text);

/* The line that begins at *at without its end; moves *at to the next one, NULL at the end. */
typedef struct Line {
  const char *text;
  size_t length;
} Line;
Line line_next(const char **at);
/* What follows prefix in the line, blanks skipped on both sides; NULL text when it doesn't begin
 * so. */
Line line_after(Line line, const char *prefix);
bool line_equals(Line line, const char *text);
