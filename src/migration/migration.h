/* Folders of migrations as people have them, read as they are: which file is which version, what it
 * runs, how it is undone. Files only: nothing here knows a database, and the command line uses it
 * as the server does.
 *
 *   bough        20260131120000_name.sql, undo in 20260131120000_name.undo.sql; a line
 *                "-- bough: no-transaction" before the first statement. Other tools' plain
 *                VERSION_name.sql are the same (sqlx, whose "-- no-transaction" counts too)
 *   flyway       V1.2__name.sql, U1.2__name.sql, R__name.sql, in folders below too; 1.10 comes
 * after 1.9; V1.2__name.sql.conf may say executeInTransaction=false numbered 000001_name.up.sql,
 * 000001_name.down.sql: golang-migrate and its like, in numeric order stem         the same files
 * in the order of their names, whose whole stem is the version directories
 * 2026-01-31-120000_name/up.sql and down.sql: diesel and sqlx; dashes don't count; metadata.toml
 * may say run_in_transaction = false dbmate       VERSION_name.sql with "-- migrate:up" and "--
 * migrate:down" [transaction:false] goose        VERSION_name.sql with "-- +goose Up", "-- +goose
 * Down", "-- +goose NO TRANSACTION" */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

enum {
  MIGRATION_FILES_LIMIT = 20000,
  MIGRATION_BYTES_LIMIT = 64 * 1024 * 1024, /* of all files of a folder together */
  MIGRATION_NAME_LIMIT = 200,               /* bytes of a version, and of a name */
  MIGRATION_CHECKSUM_SIZE = 65,             /* SHA-256 in hexadecimal, with \0 */
};

typedef enum MigrationLayout {
  LAYOUT_BOUGH,
  LAYOUT_FLYWAY,
  LAYOUT_NUMBERED,
  LAYOUT_STEM,
  LAYOUT_DIRECTORIES,
  LAYOUT_DBMATE,
  LAYOUT_GOOSE,
  LAYOUT_COUNT_,
} MigrationLayout;

const char *migration_layout_name(MigrationLayout layout);
CHECKED bool migration_layout_from_name(const char *name, MigrationLayout *ret, Error *err);

/* ---- files ---- */

typedef struct MigrationFile {
  char *path; /* below the folder, with '/' */
  char *text; /* ends with \0 and holds no other */
} MigrationFile;

typedef struct MigrationFiles {
  MigrationFile *files; /* in the order of their paths */
  size_t count;
} MigrationFiles;
void migration_files_release(MigrationFiles *files);

/* Reads what may belong to a migration: *.sql, *.conf, metadata.toml, up to two folders deep;
 * hidden ones are left out. Links are refused, and so is what isn't UTF-8. */
CHECKED bool migration_files_read(const char *folder, MigrationFiles *ret, Error *err);
/* Appends one; path and text are copied. */
void migration_files_add(MigrationFiles *files, const char *path, const char *text, size_t length);

/* ---- migrations ---- */

typedef struct Migration {
  char *version; /* digits and dots, or a stem; "" for a repeatable one */
  char *name;
  char *file;                /* where its up text stands */
  char *up;                  /* what it runs */
  char *down;                /* what undoes it; NULL: nothing does */
  bool repeatable;           /* run again whenever its text has changed, after all others */
  bool up_alone, down_alone; /* marked as not to be run in a transaction */
} Migration;

typedef struct MigrationSet {
  MigrationLayout layout;
  Migration *items; /* in the order in which they are applied: versions, then repeatable ones */
  size_t count;
  json_t *notes; /* texts for people: files that were left out; NULL: none */
} MigrationSet;
void migration_set_release(MigrationSet *set);

/* layout NULL: found out by looking, where all .sql files must fit one layout; with a layout, those
 * that don't fit it are left out and noted. Two files of one
 * version are MIGRATION_COLLISION, whatever else can't be understood is MIGRATION_INVALID, both
 * with the file's name; an empty folder is NOTHING_TO_DO. */
CHECKED bool migration_parse(const MigrationFiles *files, const char *layout, MigrationSet *ret,
                             Error *err);

/* The order of versions in that layout: below, at or above 0. */
int migration_version_compare(MigrationLayout layout, const char *left, const char *right);

/* Of a text, whatever its line ends and its last blank lines are. */
void migration_checksum(const char *text, char ret[MIGRATION_CHECKSUM_SIZE]);

/* {"layout","migrations":[{version,name,file,up,down,repeatable,up_alone,down_alone}]} and back;
 * what comes from outside is checked: lengths, the form of versions, their order. The object is
 * owned by the caller. */
json_t *migration_set_to_json(const MigrationSet *set);
CHECKED bool migration_set_from_json(const json_t *object, MigrationSet *ret, Error *err);

/* ---- making one ---- */

/* Makes folder/VERSION_name.sql and its undo, both with a comment of what belongs there; existing
 * files are left alone. name: letters, digits, '_', '-'. {"version","files":[path]}, owned. */
CHECKED bool migration_new(const char *folder, const char *name, json_t **ret, Error *err);
