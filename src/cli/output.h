/* What people read: lined-up tables, sizes and ages, colour and progress where there is a terminal.
 */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

typedef struct Output {
  bool is_json;
  bool is_quiet;
  bool is_terminal;  /* stdout is one */
  bool has_colour;   /* stdout is a terminal and NO_COLOR isn't set */
  bool has_progress; /* stderr is one */
  /* Of the line of progress; it appears when a call takes more than a second. */
  int64_t started_ms;
  bool is_drawn;
  char text[96];
  int64_t done, total;
} Output;

typedef enum Colour {
  COLOUR_NONE,
  COLOUR_BOLD,
  COLOUR_GOOD,
  COLOUR_WARNING,
  COLOUR_BAD,
  COLOUR_DIM
} Colour;

/* Looks at the streams and the environment. */
void output_start(Output *output, bool is_json, bool is_quiet);

/* Prints text in that colour; control characters in it stand as \n and \u{..}. */
void output_text(const Output *output, Colour colour, const char *text);
/* Prints lines of a server's or a stranger's: as they are into files and pipes; for a terminal
 * without what would be more than text there. */
void output_document(const Output *output, const char *text);
/* The colour in which a state ("ready", "failed", "running") is shown. */
Colour output_state_colour(const char *state);

/* A table: cells are added row by row, printed with columns lined up. */
enum { TABLE_COLUMN_LIMIT = 10 };
typedef struct Table {
  size_t columns;
  const char *titles[TABLE_COLUMN_LIMIT];
  struct TableCell {
    char *text;
    Colour colour;
  } * cells;
  size_t cell_count;
} Table;
void table_init(Table *table, const char *const *titles, size_t count);
void table_add(Table *table, Colour colour, const char *text);
void table_print(const Table *table, const Output *output);
void table_release(Table *table);

/* "12.3 MiB", "unknown" below 0. */
enum { HUMAN_SIZE = 32 };
void human_bytes(int64_t bytes, char ret[HUMAN_SIZE]);
/* "3 minutes", "2 days"; "unknown" below 0. */
void human_age(int64_t seconds, char ret[HUMAN_SIZE]);
/* "24 ms", "1.8 s". */
void human_duration(double milliseconds, char ret[HUMAN_SIZE]);

/* Progress, for client_call: context is the Output. */
void output_progress(void *context, const json_t *progress);
void output_tick(void *context);
void output_set_progress(Output *output, const char *text, int64_t done, int64_t total);
/* Wipes the line of progress away. */
void output_end_progress(Output *output);

/* {"ok":true,"result":...} on stdout. */
void output_result(const json_t *result);
/* The failure: for people on stderr, with --json as an object on stdout. */
void output_error(Output *output, const Error *err);
