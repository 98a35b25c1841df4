/* The system catalog: projects, branches, endpoints, operations, principals as rows in a PostgreSQL
 * database (schemas access, billing, lakebase). One Catalog is one blocking connection; every
 * worker has its own. What a row says is checked when it is read: text that isn't a known state or
 * id is ERROR_CATALOG_INVALID, naming table, row and column. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "core/name.h"
#include "pg/conn.h"

typedef struct Catalog Catalog;

/* Connects and checks that the schema is the one that this build knows. ERROR_CATALOG_DOWN,
 * ERROR_UNSUPPORTED. */
CHECKED bool catalog_open(const char *conninfo, Catalog **ret, Error *err);
void catalog_free(Catalog *catalog);
DEFINE_AUTO(Catalog *, catalog_free)
/* Applies the numbered schema files that are missing (schema/NNNN_*.sql, embedded), each in a
 * transaction, under an advisory lock. A schema newer than this build is refused. */
CHECKED bool catalog_migrate(const char *conninfo, Error *err);

/* Transactions. catalog_guard rolls back on scope exit unless committed:
 *   AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
 *   catalog_begin(catalog, &guard, err) ... catalog_commit(&guard, err)
 * Functions below work inside or outside of one. A lost connection is made anew once by begin, and
 * by what runs outside of one. */
typedef struct CatalogGuard {
  Catalog *catalog;
} CatalogGuard;
CHECKED bool catalog_begin(Catalog *catalog, CatalogGuard *ret, Error *err);
CHECKED bool catalog_commit(CatalogGuard *guard, Error *err);
void catalog_guard_release(CatalogGuard *guard);

/* Times are microseconds since 1970, 0 for none. Texts of fixed size are never cut silently: a
 * longer value is refused by a check in the schema. */

/* of projects and branches */
typedef enum RowState {
  ROW_CREATING,
  ROW_READY,
  ROW_DELETING,
  ROW_DELETED,
  ROW_FAILED,
} RowState;
const char *row_state_text(RowState state);

typedef struct ProjectRow {
  char id[ID_SIZE];
  char name[NAME_MAX_LENGTH + 1];
  RowState state;
  char root_branch[ID_SIZE];
  char created_by[NAME_MAX_LENGTH + 1];
  int64_t created_at;
  json_t *details; /* databases, source, default_database, preload ... */
} ProjectRow;
void project_row_release(ProjectRow *row);

typedef struct BranchRow {
  char id[ID_SIZE];
  char project[ID_SIZE];
  char name[NAME_MAX_LENGTH + 1];
  char kind[NAME_MAX_LENGTH + 1]; /* "root", "feature", ... */
  RowState state;
  char parent[ID_SIZE];                  /* "" for a root; may be a deleted branch */
  char parent_name[NAME_MAX_LENGTH + 1]; /* read only, by join */
  char volume[ID_SIZE];                  /* vol-..., what holds its data now */
  bool is_protected;
  bool clean;     /* phase two of the cleaning was done */
  int generation; /* counts resets */
  uint32_t fork_timeline;
  Lsn fork_lsn; /* flush position of the source at the fork */
  Lsn redo_lsn; /* recorded range of its own log, until its first start is over */
  Lsn end_lsn;
  int64_t unlogged; /* unlogged relations found at the fork */
  char size_class[16];
  char identity[65]; /* digest of its record of object identities, "" until its first start */
  char created_by[NAME_MAX_LENGTH + 1];
  char created_for[NAME_MAX_LENGTH + 1]; /* on whose behalf its creator acted; "" for itself */
  char tier[NAME_MAX_LENGTH + 1];        /* read only: that it stands for; "": none */
  char stood_for[NAME_MAX_LENGTH + 1];   /* the tier, or root, that it was until another took its
                                            place; "": none */
  int64_t created_at;
  int64_t forked_at;  /* last create or reset */
  int64_t expires_at; /* 0: never */
  int64_t expired_at; /* its time is over, but its children stand: it is closed; 0: not so */
  char error[512];    /* why it failed */
} BranchRow;

typedef enum EndpointState {
  ENDPOINT_STOPPED,
  ENDPOINT_STARTING,
  ENDPOINT_RUNNING,
  ENDPOINT_FAILED,
} EndpointState;
const char *endpoint_state_text(EndpointState state);

typedef struct EndpointRow { /* one per branch */
  char id[ID_SIZE];          /* ep-..., also the name of its socket directory */
  char branch[ID_SIZE];
  char project[ID_SIZE];
  EndpointState state;
  bool wanted; /* somebody asked for it to run: it is started again when it dies */
  int pid;
  int64_t start_time;   /* of the process, see core/process.h */
  char volume[ID_SIZE]; /* that it runs on */
  int failures;         /* starts that failed, or crashes, in a row */
  int64_t started_at;
  int64_t recovery_bytes; /* that it wrote before it was opened, which count for no limit */
  char error[512];
  int64_t wakes;     /* read only: how often a client that came woke it */
  int64_t active_at; /* read only: when somebody was last seen to use it; 0: not seen */
} EndpointRow;

typedef enum OperationState { OPERATION_RUNNING, OPERATION_DONE, OPERATION_FAILED } OperationState;

typedef struct OperationRow {
  char id[ID_SIZE];
  char kind[32]; /* "branch.create", ... : the table in branch/operation.c */
  char project[ID_SIZE];
  char branch[ID_SIZE]; /* that it holds: at most one running operation per branch */
  OperationState state;
  char step[32];
  json_t *params; /* what recovery needs */
  char created_by[NAME_MAX_LENGTH + 1];
  int worker_pid; /* who runs it */
  int64_t worker_start;
  int64_t created_at;
  int64_t finished_at;
  char error[512];       /* read only: why it failed */
  int policy_version;    /* that allowed it; 0: none was in force */
  char policy_rule[512]; /* what of it */
} OperationRow;
void operation_row_release(OperationRow *row);

typedef struct PrincipalRow {
  char id[ID_SIZE]; /* pri-... */
  char name[NAME_MAX_LENGTH + 1];
  char type[16];                          /* "human", "agent", "ci" */
  int64_t os_uid;                         /* -1: none */
  bool is_platform;                       /* has the role platform */
  char roles[256];                        /* read only: names, joined by commas */
  char on_behalf_of[NAME_MAX_LENGTH + 1]; /* for whom an agent acts; "" for itself */
  char created_by[NAME_MAX_LENGTH + 1];   /* "" for the first one */
  int64_t created_at;
  int64_t removed_at; /* read only: 0 for those that are there */
} PrincipalRow;

/* Lists: *ret is an array of *ret_count rows, freed with mem_free (after releasing rows that have a
 * release function). They go on without rows that make no sense; catalog_verify names those. */

/* projects */
/* insert, update: PROJECT_EXISTS. update: all but id and created. find: live ones. */
CHECKED bool project_insert(Catalog *catalog, const ProjectRow *row, Error *err);
CHECKED bool project_update(Catalog *catalog, const ProjectRow *row, Error *err);
CHECKED bool project_find(Catalog *catalog, const char *name, ProjectRow *ret, Error *err);
CHECKED bool project_get(Catalog *catalog, const char *id, ProjectRow *ret, Error *err);
CHECKED bool project_list(Catalog *catalog, ProjectRow **ret, size_t *ret_count, Error *err);

/* branches. Live: creating, ready, failed; their names are unique in a project. */
CHECKED bool branch_insert(Catalog *catalog, const BranchRow *row, Error *err); /* BRANCH_EXISTS */
CHECKED bool branch_update(Catalog *catalog, const BranchRow *row, Error *err);
CHECKED bool branch_find(Catalog *catalog, const char *project, const char *name, BranchRow *ret,
                         Error *err); /* BRANCH_NOT_FOUND */
CHECKED bool branch_get(Catalog *catalog, const char *id, BranchRow *ret, Error *err);
/* Gives it, and what was forked from it, a place behind its parent in the order of lists: for who
 * has given it another one. Within the caller's transaction. */
CHECKED bool branch_put_behind(Catalog *catalog, const char *id, Error *err);
/* Parents before children. project NULL: of all projects. with_deleted: lineage of the dead too.
 * Rows that are invalid are left out and counted. */
CHECKED bool branch_list(Catalog *catalog, const char *project, bool with_deleted, BranchRow **ret,
                         size_t *ret_count, size_t *ret_invalid, Error *err);

/* The live ones of that name, of all projects. */
CHECKED bool branch_list_named(Catalog *catalog, const char *name, BranchRow **ret,
                               size_t *ret_count, size_t *ret_invalid, Error *err);

/* Single facts about a branch, for those who don't hold it by an operation: they apply only while
 * the branch still has that volume. */
CHECKED bool branch_set_clean(Catalog *catalog, const char *id, const char *volume,
                              const char *identity, Error *err);
CHECKED bool branch_set_failed(Catalog *catalog, const char *id, const char *volume,
                               const char *reason, Error *err);

/* endpoints */
CHECKED bool endpoint_insert(Catalog *catalog, const EndpointRow *row, Error *err);
CHECKED bool endpoint_update(Catalog *catalog, const EndpointRow *row, Error *err);
CHECKED bool endpoint_of_branch(Catalog *catalog, const char *branch, EndpointRow *ret, Error *err);
CHECKED bool endpoint_get(Catalog *catalog, const char *id, EndpointRow *ret, Error *err);
CHECKED bool endpoint_list(Catalog *catalog, EndpointRow **ret, size_t *ret_count, Error *err);
CHECKED bool endpoint_delete(Catalog *catalog, const char *id, Error *err);

/* operations. insert: BRANCH_BUSY when the branch has a running one, naming its kind. */
CHECKED bool operation_insert(Catalog *catalog, const OperationRow *row, Error *err);
/* step, params, worker; ERROR_CANCELLED when the operation isn't running any more */
CHECKED bool operation_update(Catalog *catalog, const OperationRow *row, Error *err);
/* failure: why it failed, NULL when it is done. A finished one stays as it is. Leaves the row in
 * access.audit for which params.trail holds who asked (branch/audit.h). */
CHECKED bool operation_finish(Catalog *catalog, const char *id, const Error *failure, Error *err);
/* Whether it has failed, or will end yet: its end leaves the row of the request's failure. One that
 * is done, or was rolled back with its transaction, doesn't. */
CHECKED bool operation_tells_failure(Catalog *catalog, const char *id, bool *ret, Error *err);
/* Whether a running one has that process for its worker. */
CHECKED bool operation_has_worker(Catalog *catalog, int pid, int64_t start, bool *ret, Error *err);
CHECKED bool operation_list(Catalog *catalog, bool only_running, size_t limit, OperationRow **ret,
                            size_t *ret_count, Error *err); /* newest first */

/* principals */
CHECKED bool principal_insert(Catalog *catalog, const PrincipalRow *row, Error *err);
/* The living, ERROR_PRINCIPAL_NOT_FOUND. */
CHECKED bool principal_by_uid(Catalog *catalog, int64_t uid, PrincipalRow *ret, Error *err);
CHECKED bool principal_by_name(Catalog *catalog, const char *name, PrincipalRow *ret, Error *err);
CHECKED bool principal_get(Catalog *catalog, const char *id, PrincipalRow *ret, Error *err);
CHECKED bool principal_list(Catalog *catalog, PrincipalRow **ret, size_t *ret_count, Error *err);
/* roles: names, joined by commas. */
CHECKED bool principal_set_roles(Catalog *catalog, const char *id, const char *roles, Error *err);
/* Its tokens go with it; its row and name stay. */
CHECKED bool principal_set_removed(Catalog *catalog, const char *id, Error *err);

/* the fork's records of object identities, stored once per content */
CHECKED bool identity_store(Catalog *catalog, const char *digest, const char *text, Error *err);
CHECKED bool identity_load(Catalog *catalog, const char *digest, char **ret, Error *err);

/* Whether any branch, living or not, or any operation has named that volume. */
CHECKED bool catalog_knows_volume(Catalog *catalog, const char *volume, bool *ret, Error *err);

/* counters for status: all in one query */
typedef struct CatalogCounts {
  int64_t projects, branches, endpoints_running, operations_running;
} CatalogCounts;
CHECKED bool catalog_counts(Catalog *catalog, CatalogCounts *ret, Error *err);

/* Reads every row and returns an array of texts, one for each that makes no sense, naming table,
 * row and column. For doctor. Owned by the caller. */
CHECKED bool catalog_verify(Catalog *catalog, json_t **ret, Error *err);

/* For code outside this folder that needs its own statement; use sparingly. */
Conn *catalog_conn(Catalog *catalog);
