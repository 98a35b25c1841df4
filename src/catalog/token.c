/* access.tokens and access.secrets: what of tokens is kept. */
#include "catalog/access.h"

#include "catalog/private.h"
#include "core/hex.h"

#include <stdio.h>
#include <string.h>

bool secret_get(Catalog *catalog, const char *name, unsigned char ret[KEY_SIZE], Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, "SELECT encode(value, 'hex') FROM access.secrets WHERE name = $1", 1,
                     &name, &rows, err))
    return false;
  return (rows_count(rows) == 1 && hex_read(rows_get(rows, 0, 0), ret, KEY_SIZE)) ||
         error_set(err, ERROR_CATALOG_INVALID, "access.secrets has no \"%s\"", name);
}

bool token_insert(Catalog *catalog, const TokenRow *row, bool *ret_inserted, Error *err) {
  static const char sql[] =
      "WITH maker AS (SELECT ancestors || token_id AS tokens FROM access.tokens"
      "   WHERE token_id = nullif($11, '') FOR KEY SHARE),"
      " made AS (INSERT INTO access.tokens (token_id, principal_id, iterations, stored_key,"
      "   server_key, created_by, expires_at, ancestors, run_id, purpose, branch_id)"
      "   SELECT $1, $2, $3, decode($4, 'hex'), decode($5, 'hex'), $6,"
      "   'epoch'::timestamptz + nullif($7::bigint, 0) / 1000000 * interval '1 second',"
      "   coalesce((SELECT tokens FROM maker), '{}'), nullif($8, ''), nullif($9, ''), nullif($10, "
      "'')"
      "   WHERE $11 = '' OR EXISTS (SELECT FROM maker)"
      "   ON CONFLICT (token_id) DO NOTHING RETURNING 1)"
      " SELECT (SELECT count(*) FROM made), $11 = '' OR EXISTS (SELECT FROM maker)";
  char stored[2 * KEY_SIZE + 1];
  char server[2 * KEY_SIZE + 1];
  char iterations[16];
  char expires[24];
  hex_write(row->stored_key, KEY_SIZE, stored);
  hex_write(row->server_key, KEY_SIZE, server);
  (void)snprintf(iterations, sizeof iterations, "%u", row->iterations);
  (void)snprintf(expires, sizeof expires, "%lld", (long long)row->expires_at);
  const char *const values[] = {row->id,      row->principal,  iterations,    stored,
                                server,       row->created_by, expires,       row->run,
                                row->purpose, row->branch,     row->made_with};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_inserted = rows_get_integer(rows, 0, 0) == 1;
  return rows_get_bool(rows, 0, 1) ||
         error_set(err, ERROR_UNAUTHENTICATED, "the token is not valid any more");
}

#define TOKEN_COLUMNS                                                                              \
  "SELECT t.token_id, t.principal_id, t.iterations, encode(t.stored_key, 'hex'),"                  \
  " encode(t.server_key, 'hex'), t.created_by,"                                                    \
  " (extract(epoch FROM t.created_at) * 1000000)::bigint,"                                         \
  " coalesce((extract(epoch FROM t.expires_at) * 1000000)::bigint, 0),"                            \
  " coalesce(t.run_id, ''), coalesce(t.purpose, ''), coalesce(t.branch_id, '')"                    \
  " FROM access.tokens AS t JOIN lakebase.principals AS p USING (principal_id)"                    \
  " WHERE p.removed_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())"

static bool read_token(const Rows *rows, size_t at, TokenRow *ret, Error *err) {
  TokenRow row = {.iterations = (unsigned)rows_get_integer(rows, at, 2),
                  .created_at = rows_get_integer(rows, at, 6),
                  .expires_at = rows_get_integer(rows, at, 7)};
  (void)snprintf(row.id, sizeof row.id, "%s", rows_get(rows, at, 0));
  (void)snprintf(row.principal, sizeof row.principal, "%s", rows_get(rows, at, 1));
  (void)snprintf(row.created_by, sizeof row.created_by, "%s", rows_get(rows, at, 5));
  (void)snprintf(row.run, sizeof row.run, "%s", rows_get(rows, at, 8));
  (void)snprintf(row.purpose, sizeof row.purpose, "%s", rows_get(rows, at, 9));
  (void)snprintf(row.branch, sizeof row.branch, "%s", rows_get(rows, at, 10));
  if (!hex_read(rows_get(rows, at, 3), row.stored_key, KEY_SIZE) ||
      !hex_read(rows_get(rows, at, 4), row.server_key, KEY_SIZE))
    return error_set(err, ERROR_CATALOG_INVALID, "the keys of token %s make no sense", row.id);
  *ret = row;
  return true;
}

bool token_find(Catalog *catalog, const char *id, TokenRow *ret, bool *ret_found, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, TOKEN_COLUMNS " AND t.token_id = $1", 1, &id, &rows, err) ||
      (rows_count(rows) > 0 && !read_token(rows, 0, ret, err)))
    return false;
  *ret_found = rows_count(rows) > 0;
  return true;
}

bool token_list(Catalog *catalog, const char *principal, TokenRow **ret, size_t *ret_count,
                Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     TOKEN_COLUMNS " AND t.principal_id = $1"
                                   " ORDER BY t.created_at DESC, t.token_id LIMIT 64",
                     1, &principal, &rows, err))
    return false;
  TokenRow *list = mem_new(rows_count(rows), sizeof *list);
  for (size_t at = 0; at < rows_count(rows); at++)
    if (!read_token(rows, at, &list[at], err)) {
      mem_free(list);
      return false;
    }
  *ret = list;
  *ret_count = rows_count(rows);
  return true;
}

/* Deletes it and what was made with it, as far as this statement sees: what is being made meanwhile
 * holds its maker, is waited for, and is seen by the next one. */
static bool revoke_round(Catalog *catalog, const char *id, json_t *ids, size_t *ret_count,
                         Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "DELETE FROM access.tokens WHERE token_id = $1"
                     " OR $1 = ANY (ancestors::text[]) RETURNING token_id",
                     1, &id, &rows, err))
    return false;
  *ret_count = rows_count(rows);
  for (size_t at = 0; at < *ret_count; at++)
    (void)json_array_append_new(ids, json_string(rows_get(rows, at, 0)));
  return true;
}

bool token_revoke(Catalog *catalog, const char *principal, const char *id, json_t **ret_ids,
                  Error *err) {
  const char *const values[] = {principal, id};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT FROM access.tokens WHERE principal_id = $1 AND token_id = $2"
                     " FOR UPDATE",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  AUTO(json_free) json_t *ids = json_array();
  for (size_t count = rows_count(rows); count > 0;)
    if (!revoke_round(catalog, id, ids, &count, err))
      return false;
  *ret_ids = STEAL(ids);
  return true;
}

bool token_hold(Catalog *catalog, const char *principal, const char *token, bool *ret_there,
                Error *err) {
  static const char sql[] =
      "WITH who AS (SELECT FROM lakebase.principals WHERE principal_id = $1"
      "   AND removed_at IS NULL FOR SHARE),"
      " held AS (SELECT FROM access.tokens WHERE token_id = nullif($2, '') FOR KEY SHARE)"
      " SELECT EXISTS (SELECT FROM who) AND ($2 = '' OR EXISTS (SELECT FROM held))";
  const char *const values[] = {principal, token};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_there = rows_get_bool(rows, 0, 0);
  return true;
}

bool token_sweep(Catalog *catalog, Error *err) {
  return catalog_query(catalog,
                       "DELETE FROM access.tokens AS t"
                       " WHERE t.expires_at < clock_timestamp() - interval '1 day'"
                       " AND NOT EXISTS (SELECT FROM lakebase.sessions AS s"
                       " WHERE s.token_id = t.token_id)"
                       " AND NOT EXISTS (SELECT FROM access.tokens AS made"
                       " WHERE t.token_id = ANY (made.ancestors)"
                       " AND (made.expires_at IS NULL OR made.expires_at > clock_timestamp()))",
                       0, NULL, NULL, err);
}
