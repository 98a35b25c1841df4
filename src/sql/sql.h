/* SQL text by PostgreSQL's own parser (libpg_query, PostgreSQL 15): a script is split into its
 * parts as psql would split it, each statement is parsed and classified. Dumps are understood:
 * psql's meta-command lines and the data of COPY ... FROM stdin are parts of their own.
 *
 * Text from anywhere may be given: sizes and nesting are bounded, and what isn't SQL becomes a part
 * with an error, not a failure. Not meant for several threads at once. */
#pragma once

#include "core/base.h"
#include "core/error.h"

typedef enum SqlPartKind {
  SQL_STATEMENT, /* parsed, or with an error */
  SQL_META,      /* a line for psql: "\connect app", "\echo hello" */
  SQL_DATA,      /* the lines after COPY ... FROM stdin, without the closing "\." */
} SqlPartKind;

/* What a statement is and does. Several may hold; none for a part that isn't a statement or has an
 * error. */
typedef enum SqlFlag {
  SQL_READ = 1 << 0,        /* returns rows; changes nothing unless a function that it calls does */
  SQL_WRITE = 1 << 1,       /* changes rows: INSERT, UPDATE, DELETE, MERGE, COPY FROM, TRUNCATE */
  SQL_DDL = 1 << 2,         /* changes objects */
  SQL_RIGHTS = 1 << 3,      /* changes who may do what: grants, owners, roles, policies, row
                               security, definer functions, extensions, event triggers ... */
  SQL_DESTRUCTIVE = 1 << 4, /* data that is there now can be gone afterwards */
  SQL_OUTSIDE = 1 << 5,     /* PostgreSQL refuses it in a transaction block */
  SQL_TRANSACTION = 1 << 6, /* BEGIN, COMMIT, ROLLBACK, SAVEPOINT, PREPARE TRANSACTION ... */
  SQL_SESSION = 1 << 7,     /* SET, LISTEN, PREPARE ...: about this session */
  SQL_MAINTENANCE = 1 << 8, /* VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT */
  SQL_CODE = 1 << 9,        /* runs code that isn't looked into: DO, CALL, EXECUTE */
  SQL_NEW_ENUM = 1 << 10,   /* ALTER TYPE ADD VALUE: the value can't be used before the commit */
  SQL_COPY_STDIN = 1 << 11, /* the next part is its data */
  SQL_SERVER_FILE = 1 << 12, /* reads or writes files of the server, or runs programs there */
} SqlFlag;

enum {
  SQL_TEXT_LIMIT = 32 * 1024 * 1024, /* bytes of a script */
  SQL_STATEMENT_LIMIT = 1024 * 1024, /* bytes of a statement that is parsed */
  SQL_DEPTH_LIMIT = 3000,            /* nesting, as it can be told from the text */
  SQL_NAME_LIMIT = 63,               /* bytes of a name; PostgreSQL cuts off the rest */
};

struct PgQuery__Node;

typedef struct SqlPosition {
  int line;   /* from 1 */
  int column; /* from 1, in characters */
} SqlPosition;

typedef struct SqlPart {
  SqlPartKind kind;
  size_t start; /* bytes; leading blanks and comments, and the semicolon, don't belong to it */
  size_t length;
  SqlPosition position;
  bool terminated;                  /* by a semicolon */
  unsigned flags;                   /* of SqlFlag */
  const char *name;                 /* "ALTER TABLE"; NULL where there is no tree; static */
  const struct PgQuery__Node *tree; /* sql/tree.h; NULL for other parts, and with an error */
  char *error;                      /* what PostgreSQL's parser says, NULL when it says nothing */
  SqlPosition error_position;
} SqlPart;

typedef struct SqlComment {
  size_t start;
  size_t length; /* with its marks */
  SqlPosition position;
} SqlComment;

/* A word or quoted name that PostgreSQL will cut. */
typedef struct SqlLongName {
  size_t start;
  size_t length; /* without quotes */
} SqlLongName;

typedef struct SqlScript {
  char *text; /* a copy of what was given */
  size_t length;
  SqlPart *parts;
  size_t count;
  SqlComment *comments; /* of the whole text, in order */
  size_t comment_count;
  SqlLongName *long_names; /* likewise */
  size_t long_name_count;
  void *memory; /* of the module */
} SqlScript;

/* Reads a script. Fails when the text is too large (ERROR_TOO_LARGE), isn't UTF-8 or holds a zero
 * byte (ERROR_USAGE); statements that can't be parsed are no failure. An empty script is fine. */
CHECKED bool sql_parse(const char *text, size_t length, SqlScript **ret, Error *err);
void sql_free(SqlScript *script);
DEFINE_AUTO(SqlScript *, sql_free)

/* Fails with ERROR_USAGE and "line N, column M: ..." for the first part that can't be parsed. */
CHECKED bool sql_check(const SqlScript *script, Error *err);

/* The text of a part; owned by the caller. */
char *sql_part_text(const SqlScript *script, const SqlPart *part);

/* Where a byte of the text is. */
SqlPosition sql_position(const SqlScript *script, size_t offset);

/* The first pair of brackets of a text, with what is between, where they aren't part of a quoted
 * name, a literal or a comment. *ret_start: of the opening one; returns the length of both and all
 * between, 0 when nothing is opened and closed within length. */
size_t sql_brackets(const char *text, size_t length, size_t *ret_start);
