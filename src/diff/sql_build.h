/* What the parts of the migration writer share: the plan, and how a statement is made.
 *
 * sql_plan.c decides what is dropped, created and altered; sql_order.c brings it into an order;
 * the files per kind (sql_table.c, ...) write the statements. */
#pragma once

#include "diff/sql.h"
#include "diff/sql_acl.h"
#include "pg/conn.h"

#include <stdarg.h>

/* One object of one side. */
typedef struct Node {
  const Object *object;
  struct Node *partner; /* the same object on the other side; guessed ones count as none */
  const Change *change; /* of the pair, on both sides; NULL: the two are the same */
  struct Node *parent;
  /* before */
  bool drop;            /* it goes, or is made anew */
  bool implied;         /* goes with its parent, without a statement */
  bool is_late;         /* dropped at the end: something leaves it first */
  bool move_away;       /* renamed first, because its name is needed; then dropped at the end */
  bool retype;          /* column: its type is set again */
  bool suspend_default; /* column, domain: its default is taken away and set again */
  bool detach;          /* partition, typed table: leaves and comes back */
  bool is_dropped;      /* already done */
  char *moved_name;     /* of move_away */
  /* after */
  bool create;
  bool is_freed;    /* sequence: no column's any more, for now */
  bool is_attached; /* table: has its new parents already */
  bool is_inline;   /* its parent's CREATE makes it */
  bool busy, done;
  bool has_placeholder; /* CREATE OR REPLACE, or the shell, came first */
} Node;

typedef struct Build {
  const Diff *diff;
  unsigned flags;
  DiffSql *ret;
  Node *nodes; /* those of before, then those of after */
  size_t before_count, count;
  size_t *slots; /* hash of nodes by object: place + 1 */
  size_t slot_count;
  Dependency *users; /* before's dependencies by what is needed */
  Node **stack;      /* nodes whose users are still to be looked at */
  size_t stack_count;
  unsigned moved; /* numbers for moved names */
  SqlPhase phase;
} Build;

/* How a kind is written. Every function may be NULL. */
typedef struct Writer {
  const char *drop;     /* "DROP TABLE", followed by the identity */
  const char *in_place; /* properties that `alter` can change, " a b " */
  enum { REMAKE_RECREATE, REMAKE_REPLACE, REMAKE_NEVER } remake; /* for all other properties */
  void (*create)(Build *build, const Node *node);
  void (*alter)(Build *build, const Node *node);  /* of after; it has a change */
  void (*remove)(Build *build, const Node *node); /* instead of drop */
} Writer;

const Writer *writer_of(ObjectKind kind);

/* ---- sql_nodes.c ---- */

void nodes_make(Build *build);                           /* with pairs and changes */
Node *node_of(const Build *build, const Object *object); /* NULL for NULL */
/* The change of that property that a pair has; NULL: none. Either side's node. */
const PropertyChange *node_change(const Node *node, const char *property);
/* Dependencies of before whose `needs` is that object; *ret is borrowed. */
size_t users_of(const Build *build, const Object *object, const Dependency **ret);

/* ---- sql_plan.c ---- */

void sql_plan_make(Build *build);

/* ---- sql_identity.c ---- */

void identity_add(Buffer *sql, const Object *column); /* " GENERATED ... AS IDENTITY (...)" */
void identity_alter(Build *build, const Node *node);

/* ---- sql_drop.c ---- */

void drop_all(Build *build, bool late);
void free_sequences(Build *build);

/* ---- sql_order.c ---- */

void order_write(Build *build);

/* ---- sql_text.c ---- */

enum { EMIT_DESTRUCTIVE = 1, EMIT_REWRITE = 2 };

/* Appends a format of its own: %O identity of an Object, %P that of its parent, %I identifier,
 * %L literal (NULL: NULL), %N schema-qualified name of an Object without its signature, %s SQL that
 * PostgreSQL made, %d int. */
void sql_add(Buffer *sql, const char *format, ...);
void sql_add_list(Buffer *sql, const char *format, va_list list);
/* One statement in the current phase. */
void emit(Build *build, unsigned flags, const char *format, ...);
/* The same with a note behind; note is a format of snprintf with one %s for the identity. */
void emit_noted(Build *build, unsigned flags, const char *note, const char *format, ...);
void emit_buffer(Build *build, unsigned flags, const char *note, Buffer *sql);
/* Something that SQL can't say; the identity of object follows the text. */
void finding(Build *build, const Object *object, const char *text);

/* One "name=value" of a list joined by ", ": names and values unquoted. */
typedef struct SqlOption {
  char *name;
  char *value;
} SqlOption;
typedef struct SqlOptions {
  SqlOption *items;
  size_t count;
} SqlOptions;
SqlOptions options_parse(const char *text); /* NULL: none */
void options_release(SqlOptions *options);
const char *options_get(const SqlOptions *options, const char *name); /* NULL: not there */
/* "ADD a 'x', SET b 'y', DROP c" of OPTIONS (...); "" where nothing differs. */
void options_add_difference(Buffer *sql, const char *before, const char *after);
/* "a 'x', b 'y'" */
void options_add_foreign(Buffer *sql, const char *text);
/* ALTER TABLE|INDEX|VIEW ... SET (...) and RESET (...); head is "ALTER TABLE x", prefix "toast." or
 * "". */
void options_alter(Build *build, const char *head, const char *prefix, const char *before,
                   const char *after);
/* "WITH (...)" items with a prefix, joined by ", ", onto what is there already. */
void options_add_storage(Buffer *sql, const char *prefix, const char *text);

/* Lines of a text; the part between *line and its end, false at the end. */
bool next_line(const char **text, const char **line, size_t *length);
const char *value_of(const Object *object, const char *property); /* "" for NULL */

/* ---- sql_rights.c ---- */

/* Owner, grants, comment and labels: of an object just made, and of one that stays. */
void attributes_create(Build *build, const Node *node);
void attributes_alter(Build *build, const Node *node);
void attributes_clear(Build *build, const Node *node); /* of before; its object stays */
const char *comment_word(const Object *object);        /* "TABLE", "FOREIGN DATA WRAPPER", ... */
void default_privilege_create(Build *build, const Node *node);
void default_privilege_alter(Build *build, const Node *node);
void default_privilege_remove(Build *build, const Node *node);

/* ---- by kind ---- */

void schema_create(Build *build, const Node *node);
/* GRANT and REVOKE that lead from one list to the other. target: "ON TABLE x"; column: of it, or
 * NULL for the whole. */
void grants_write(Build *build, const char *target, const char *column, const Acl *before,
                  const Acl *after);
/* What leads from one value of an extension's member_grants ("": none) to the other. */
void members_write(Build *build, const Object *extension, const char *before, const char *after);
void extension_create(Build *build, const Node *node);
void extension_alter(Build *build, const Node *node);
void language_create(Build *build, const Node *node);
void access_method_create(Build *build, const Node *node);
void conversion_create(Build *build, const Node *node);
void collation_create(Build *build, const Node *node);
void cast_create(Build *build, const Node *node);
void transform_create(Build *build, const Node *node);
void wrapper_create(Build *build, const Node *node);
void wrapper_alter(Build *build, const Node *node);
void server_create(Build *build, const Node *node);
void server_alter(Build *build, const Node *node);
void user_mapping_create(Build *build, const Node *node);
void user_mapping_remove(Build *build, const Node *node);
void publication_create(Build *build, const Node *node);
void publication_alter(Build *build, const Node *node);
void event_trigger_create(Build *build, const Node *node);
void event_trigger_alter(Build *build, const Node *node);

void ts_parser_create(Build *build, const Node *node);
void ts_template_create(Build *build, const Node *node);
void ts_dictionary_create(Build *build, const Node *node);
void ts_dictionary_alter(Build *build, const Node *node);
void ts_configuration_create(Build *build, const Node *node);
void ts_configuration_alter(Build *build, const Node *node);

void enum_create(Build *build, const Node *node);
void enum_add_values(Build *build, const Node *node);
bool enum_only_grows(const Build *build, const Node *before);
void domain_create(Build *build, const Node *node);
void domain_alter(Build *build, const Node *node);
void domain_constraint_create(Build *build, const Node *node);
void domain_constraint_alter(Build *build, const Node *node);
void domain_constraint_remove(Build *build, const Node *node);
void composite_create(Build *build, const Node *node);
void attribute_create(Build *build, const Node *node);
void attribute_alter(Build *build, const Node *node);
void attribute_remove(Build *build, const Node *node);
void range_create(Build *build, const Node *node);
void base_type_create(Build *build, const Node *node);

void routine_create(Build *build, const Node *node);
void routine_alter(Build *build, const Node *node);
void aggregate_create(Build *build, const Node *node);
void operator_create(Build *build, const Node *node);
void operator_family_create(Build *build, const Node *node);
void operator_class_create(Build *build, const Node *node);

void table_create(Build *build, const Node *node);
void table_alter(Build *build, const Node *node);
void table_detach(Build *build, const Node *node);  /* of before */
void table_inherit_early(Build *build, Node *node); /* of after */
void table_attach(Build *build, const Node *node);  /* of after: partitions, OF */
void foreign_table_alter(Build *build, const Node *node);
void sequence_create(Build *build, const Node *node);
void sequence_alter(Build *build, const Node *node);
void sequence_own(Build *build, const Node *node);

void column_create(Build *build, const Node *node);
void column_settings(Build *build, const Node *node); /* of a table just made */
void column_alter(Build *build, const Node *node);
void column_remove(Build *build, const Node *node);
void column_add_definition(Buffer *sql, const Object *column);
/* Of SET STORAGE: the column's, and what a type has by itself. */
const char *storage_word(const Object *column);
const char *storage_word_of_type(const char *type);
bool default_is_plain(const Object *column);
/* The column that an inherited one of after comes from; NULL where none is found. */
const Node *column_above(const Build *build, const Node *node);

void view_create(Build *build, const Node *node);
void view_alter(Build *build, const Node *node);
void view_placeholder(Build *build, const Node *node);
bool view_is_replaceable(const Node *before);
void view_column_write(Build *build, const Node *node);
void view_column_remove(Build *build, const Node *node);
void materialized_view_create(Build *build, const Node *node);
void materialized_view_alter(Build *build, const Node *node);

void constraint_create(Build *build, const Node *node);
void constraint_alter(Build *build, const Node *node);
void constraint_remove(Build *build, const Node *node);
void index_create(Build *build, const Node *node);
void index_alter(Build *build, const Node *node);
void index_attach(Build *build, const Node *node); /* indexes and constraints of partitions */
void statistics_create(Build *build, const Node *node);
void statistics_alter(Build *build, const Node *node);
void trigger_create(Build *build, const Node *node);
void trigger_alter(Build *build, const Node *node);
void rule_create(Build *build, const Node *node);
void rule_alter(Build *build, const Node *node);
void policy_create(Build *build, const Node *node);
