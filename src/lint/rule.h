/* What a rule is, and what it may ask while a migration passes by. A rule is one file in rules/
 * that defines `const LintRule rule_NAME`, and one row of rules.def.
 *
 * For each statement in order the engine calls, where they are set: on_statement; on_node, when the
 * tree is of that case; then for CREATE TABLE and ALTER TABLE on_command, on_column, on_type (of a
 * new column, and of one whose type changes) and on_constraint for their pieces; at the end of the
 * file on_end. Facts are those before the
 * statement. */
#pragma once

#include "lint/lint.h"
#include "sql/sql.h"
#include "sql/tree.h"

typedef struct Lint Lint;

/* The table that a piece belongs to. */
typedef struct LintTarget {
  const PgQuery__RangeVar *table;
  bool fresh;  /* made in this migration: nobody waits for it, and it has no rows */
  bool alters; /* a piece of ALTER TABLE, not of CREATE TABLE */
} LintTarget;

struct LintRule {
  const char *name; /* kebab-case, part of the contract */
  LintSeverity severity;
  bool taste;              /* only when asked for: whether it is right depends on the house */
  const char *why;         /* what happens */
  const char *instead;     /* what to write */
  const char *refactoring; /* whose transition this is, NULL when it belongs to none */
  const char *bad;         /* a migration that it finds */
  const char *good;        /* the same done well, in which it finds nothing */
  const char *bad_undo;    /* what undoes them; NULL: not known */
  const char *good_undo;
  const char *data;       /* what the database holds, for rules that ask it */
  bool in_transaction;    /* the examples are run in one */
  bool needs_idempotence; /* only where a migration must be one that can be run again, or as taste
                           */

  PgQuery__Node__NodeCase node;
  void (*on_node)(Lint *lint, const PgQuery__Node *tree);
  void (*on_statement)(Lint *lint, const SqlPart *part);
  void (*on_command)(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command);
  void (*on_column)(Lint *lint, const LintTarget *target, const PgQuery__ColumnDef *column);
  void (*on_type)(Lint *lint, const char *column, const PgQuery__TypeName *type);
  /* column: whose definition it stands in, NULL for one of the table */
  void (*on_constraint)(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                        const PgQuery__ColumnDef *column);
  void (*on_end)(Lint *lint);
};

/* What the database holds in the examples of most rules that ask it. */
#define LINT_PARTS                                                                                 \
  "CREATE TABLE parts (id bigint PRIMARY KEY, code text, weight numeric);\n"                       \
  "INSERT INTO parts VALUES (1, 'a', 10), (2, 'a', NULL), (3, 'long code', 70000);\n"              \
  "CREATE TABLE prices (id bigint PRIMARY KEY, part bigint);\n"                                    \
  "INSERT INTO prices VALUES (1, 1), (2, 9);\n"                                                    \
  "CREATE TABLE empty (id bigint PRIMARY KEY, code text, part bigint);\n"                          \
  "GRANT SELECT ON parts, prices, empty TO PUBLIC;"

#define RULE(name) extern const LintRule rule_##name;
#include "lint/rules.def"
#undef RULE

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name
#define OBJECT(name) PG_QUERY__OBJECT_TYPE__OBJECT_##name
#define CONSTRAINT(name) PG_QUERY__CONSTR_TYPE__CONSTR_##name
#define NODE(name) PG_QUERY__NODE__NODE_##name

/* The place is a byte of the current statement as the parser's location fields give it, below 0:
 * its start. */
void lint_find(Lint *lint, int location, const char *format, ...) PRINTF(3, 4);

/* ---- what is known ---- */

const SqlScript *lint_script(const Lint *lint);
const SqlScript *lint_undo(const Lint *lint); /* NULL when there is none */
bool lint_undo_is_known(const Lint *lint);
size_t lint_at(const Lint *lint);                /* the part that the statement is */
size_t lint_transaction_start(const Lint *lint); /* the first part of the open transaction */
bool lint_in_transaction(const Lint *lint);
bool lint_must_be_idempotent(const Lint *lint);
bool lint_is_transaction_given(const Lint *lint); /* by whoever runs the migration */
bool lint_is_fresh(const Lint *lint, const PgQuery__RangeVar *table);
bool lint_has_setting(const Lint *lint, const char *name); /* "lock_timeout", set before */

/* The statement of a part as a node of that case, or NULL. Each look is counted: rules that look at
 * all statements for each of them must not be made to run for long. */
#define LINT_PART(lint, at, CASE, member)                                                          \
  (lint_look(lint) ? SQL_NODE(lint_script(lint)->parts[at].tree, CASE, member) : NULL)
/* Counts; false once it was too much, and the file will be refused. */
bool lint_look(const Lint *lint);

/* Whether an earlier statement of the migration writes rows of that table. */
bool lint_writes_before(const Lint *lint, const PgQuery__RangeVar *table);
/* Whether an earlier statement that writes rows reads that column. */
bool lint_reads_before(const Lint *lint, const char *column);

/* ---- names and trees ---- */

/* The same relation as far as can be told: a schema that isn't named may be any. */
bool lint_same_table(const PgQuery__RangeVar *left, const PgQuery__RangeVar *right);
bool lint_same_name(const char *left, const char *right);
/* Whether that is PostgreSQL's own type of that name, as pg_type has it: "int4", "bpchar". */
bool lint_type_is(const PgQuery__TypeName *type, const char *name);
/* The relation that an object of a DROP names; borrowed from the tree. False for other objects. */
bool lint_dropped(const PgQuery__Node *object, PgQuery__RangeVar *ret);
/* Whether a list of constraints of a column has one of that kind. */
bool lint_has_constraint(const PgQuery__ColumnDef *column, PgQuery__ConstrType type);

/* ---- the database ---- */

bool lint_can_ask(const Lint *lint);
/* Asks; false when it can't be answered, which is reported. sql is one SELECT of one boolean. */
bool lint_ask(Lint *lint, int location, const char *sql, bool *ret);
/* Whether the table is there today, and has that column (NULL: the table alone). */
bool lint_is_there(Lint *lint, const PgQuery__RangeVar *table, const char *column);
/* "schema"."table", appended. */
void lint_add_table(Buffer *sql, const PgQuery__RangeVar *table);
/* An expression of the migration as it stands there: from its location to the closing bracket of
 * its level; false when it can't be told. */
bool lint_add_expression(const Lint *lint, Buffer *sql, int location);
