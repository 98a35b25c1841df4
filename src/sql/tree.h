/* The parse tree that src/sql hands out: libpg_query's messages as C structures, and what every
 * reader of them needs. An absent string is "", an absent message NULL.
 *
 *   const PgQuery__IndexStmt *index = SQL_NODE(part->tree, INDEX_STMT, index_stmt);   NULL: another
 */
#pragma once

#include "core/base.h"

#include <pg_query/pg_query.pb-c.h>

#define SQL_NODE(node, CASE, member)                                                               \
  ((node) != NULL && (node)->node_case == PG_QUERY__NODE__NODE_##CASE ? (node)->member : NULL)

/* The text of a String node, NULL for any other. */
const char *tree_string(const PgQuery__Node *node);

/* Of a list of String nodes such as {schema, name}: the one counted from the end (0: the last),
 * NULL when there is none. */
const char *tree_name(PgQuery__Node *const *list, size_t count, size_t from_end);

/* The option of that name in a list of DefElem nodes, NULL when it isn't there. */
const PgQuery__DefElem *tree_option(PgQuery__Node *const *list, size_t count, const char *name);
/* Whether an option is on: there without a value, or with one that PostgreSQL takes for true. */
bool tree_option_is_on(const PgQuery__DefElem *option);

/* Calls visit for every message below (and with) root, parents first. It returns false to leave out
 * what is below the one it was given. Messages are told apart by message->descriptor:
 *   if (message->descriptor == &pg_query__func_call__descriptor) */
typedef bool TreeVisit(void *context, const ProtobufCMessage *message);
void tree_walk(const ProtobufCMessage *root, TreeVisit *visit, void *context);

/* The same from a node, which may be NULL. */
void tree_walk_node(const PgQuery__Node *node, TreeVisit *visit, void *context);
