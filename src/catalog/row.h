/* Rows of the catalog as C structures: one table of columns per table says how each value is
 * written, read and checked. */
#pragma once

#include "catalog/private.h"

typedef enum ColumnType {
  COLUMN_ID,      /* char[ID_SIZE]; domain: its prefix */
  COLUMN_NAME,    /* char[NAME_MAX_LENGTH + 1], by name_check */
  COLUMN_TEXT,    /* char[], text that fits (invalid UTF-8 is written as '?'); domain: the
                     known ones, NULL-terminated, or NULL */
  COLUMN_STATE,   /* an enum; domain: its texts, NULL-terminated */
  COLUMN_BOOL,    /* bool */
  COLUMN_INT,     /* int */
  COLUMN_UINT,    /* uint32_t */
  COLUMN_INTEGER, /* int64_t */
  COLUMN_TIME,    /* int64_t, microseconds since 1970; 0 is NULL */
  COLUMN_LSN,     /* Lsn; 0 is NULL */
  COLUMN_JSON,    /* json_t *, an object; at most one in a row */
} ColumnType;

typedef enum ColumnFlag {
  COLUMN_OPTIONAL = 1, /* "" (of texts) or -1 (of integers) is NULL */
  COLUMN_FIXED = 2,    /* never updated */
  COLUMN_JOINED = 4,   /* of another table: only read; source says from where */
} ColumnFlag;

typedef struct Column {
  const char *name;
  ColumnType type;
  unsigned flags;
  size_t offset;
  size_t size;
  const void *domain;
  const char *source;
} Column;

/* COLUMN(BranchRow, parent, "parent_id", ID, COLUMN_OPTIONAL, .domain = "br") */
#define COLUMN(row_type, member, column_name, column_type, column_flags, ...)                      \
  {                                                                                                \
    .name = (column_name), .type = COLUMN_##column_type, .flags = (column_flags),                  \
    .offset = offsetof(row_type, member), .size = sizeof(((row_type *)NULL)->member), __VA_ARGS__  \
  }

typedef struct Table {
  const char *name; /* qualified */
  const char *join; /* behind "FROM name AS t"; may be "" */
  const Column *columns;
  size_t column_count; /* the first is the key */
  size_t row_size;
} Table;

enum { COLUMN_LIMIT = 32 };

/* INSERT of all columns that aren't joined. conflict: what follows, "ON CONFLICT ... DO NOTHING";
 * then *ret_inserted tells whether it came to that. */
CHECKED bool table_insert(Catalog *catalog, const Table *table, const void *row,
                          const char *conflict, bool *ret_inserted, Error *err);

/* UPDATE of all columns that are neither fixed nor joined, where the key is the row's; guard: " AND
 * ..." or "". *ret_found: whether there was such a row. */
CHECKED bool table_update(Catalog *catalog, const Table *table, const void *row, const char *guard,
                          bool *ret_found, Error *err);

/* Reads one row: tail is "WHERE ... $1" and so on; t is the table. *ret_found: whether there was
 * one. *ret is touched only then. */
CHECKED bool table_find(Catalog *catalog, const Table *table, const char *tail, size_t count,
                        const char *const *values, void *ret, bool *ret_found, Error *err);

/* Reads all rows into an array (mem_free). Invalid ones are left out and counted; their messages
 * are appended to ret_messages where that isn't NULL. */
CHECKED bool table_list(Catalog *catalog, const Table *table, const char *tail, size_t count,
                        const char *const *values, void **ret, size_t *ret_count,
                        size_t *ret_invalid, json_t *ret_messages, Error *err);

/* Frees what a row owns. */
void table_row_release(const Table *table, void *row);

/* Copies text into a field of the catalog's, cut to what fits, as valid UTF-8. */
void message_copy(char *ret, size_t size, const char *text);

extern const Table project_table, branch_table, endpoint_table, operation_table, principal_table,
    promotion_table;
