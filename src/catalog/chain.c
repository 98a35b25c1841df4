/* Heads of the audit's chain, and its days. */
#include "catalog/chain.h"

#include "catalog/hash.h"
#include "catalog/private.h"
#include "core/hex.h"

#include <stdio.h>
#include <string.h>

enum { DAYS_AHEAD = 7 };

#define HEAD_COLUMNS                                                                               \
  "reason, coalesce(day::text, ''), seq, encode(hash, 'hex'), signed_at::text, key_id,"            \
  " encode(signature, 'hex')"

static bool read_head(const Rows *rows, size_t row, ChainHead *ret, Error *err) {
  *ret = (ChainHead){.seq = rows_get_integer(rows, row, 2)};
  (void)snprintf(ret->reason, sizeof ret->reason, "%s", rows_get(rows, row, 0));
  (void)snprintf(ret->day, sizeof ret->day, "%s", rows_get(rows, row, 1));
  (void)snprintf(ret->hash, sizeof ret->hash, "%s", rows_get(rows, row, 3));
  (void)snprintf(ret->signed_at, sizeof ret->signed_at, "%s", rows_get(rows, row, 4));
  (void)snprintf(ret->key, sizeof ret->key, "%s", rows_get(rows, row, 5));
  return hex_read(rows_get(rows, row, 6), ret->signature, SIGNATURE_SIZE) ||
         error_set(err, ERROR_CATALOG_INVALID, "a signed head of the audit has no signature");
}

bool chain_last(Catalog *catalog, ChainHead *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT seq, encode(hash, 'hex'), clock_timestamp()::text"
                     " FROM access.audit_sealer",
                     0, NULL, &rows, err))
    return false;
  *ret = (ChainHead){.seq = rows_get_integer(rows, 0, 0)};
  if (rows_count(rows) == 1) {
    (void)snprintf(ret->hash, sizeof ret->hash, "%s", rows_get(rows, 0, 1));
    (void)snprintf(ret->signed_at, sizeof ret->signed_at, "%s", rows_get(rows, 0, 2));
  }
  return true;
}

static void seconds_text(int64_t us, char ret[24]) {
  (void)snprintf(ret, 24, "%lld", (long long)(us / 1000000));
}

/* Early, too, when the clock was set back. */
bool chain_anchor_is_due(Catalog *catalog, int64_t now_us, int64_t seconds, bool *ret, Error *err) {
  static const char sql[] =
      "SELECT s.seq > coalesce(h.seq, 0) AND (h.seq IS NULL OR abs(extract(epoch FROM"
      " h.signed_at) - $1::bigint) >= $2::bigint) FROM access.audit_sealer AS s LEFT JOIN"
      " (SELECT seq, signed_at FROM access.audit_heads ORDER BY head_id DESC LIMIT 1) AS h ON true";
  char now[24];
  char span[24];
  seconds_text(now_us, now);
  (void)snprintf(span, sizeof span, "%lld", (long long)seconds);
  const char *const values[] = {now, span};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

/* A day without an entry ends where the one before it ended. */
bool chain_last_of_day(Catalog *catalog, const char *day, ChainHead *ret, Error *err) {
  static const char sql[] =
      "SELECT seq, hash, clock_timestamp()::text FROM ("
      " (SELECT seq, encode(hash, 'hex') AS hash FROM access.audit_chain"
      "   WHERE sealed_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' ORDER BY seq DESC LIMIT 1)"
      " UNION ALL (SELECT seq, encode(hash, 'hex') FROM access.audit_heads"
      "   WHERE day IS NOT NULL ORDER BY day DESC LIMIT 1)"
      " UNION ALL SELECT 0, repeat('0', 64)) AS ends ORDER BY seq DESC LIMIT 1";
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 1, &day, &rows, err))
    return false;
  *ret = (ChainHead){.seq = rows_get_integer(rows, 0, 0)};
  (void)snprintf(ret->hash, sizeof ret->hash, "%s", rows_get(rows, 0, 1));
  (void)snprintf(ret->signed_at, sizeof ret->signed_at, "%s", rows_get(rows, 0, 2));
  return true;
}

bool chain_head_insert(Catalog *catalog, const ChainHead *head, Error *err) {
  static const char sql[] =
      "INSERT INTO access.audit_heads (reason, day, seq, hash, signed_at, key_id, signature)"
      " VALUES ($1, nullif($2, '')::date, $3, decode($4, 'hex'), $5::timestamptz, $6,"
      " decode($7, 'hex')) ON CONFLICT (day) WHERE day IS NOT NULL DO NOTHING";
  char seq[24];
  char signature[2 * SIGNATURE_SIZE + 1];
  (void)snprintf(seq, sizeof seq, "%lld", (long long)head->seq);
  hex_write(head->signature, SIGNATURE_SIZE, signature);
  const char *const values[] = {head->reason,    head->day, seq,      head->hash,
                                head->signed_at, head->key, signature};
  return catalog_query(catalog, sql, ARRAY_LENGTH(values), values, NULL, err);
}

bool chain_heads(Catalog *catalog, size_t limit, ChainHead **ret, size_t *ret_count, Error *err) {
  char number[24];
  (void)snprintf(number, sizeof number, "%zu", limit);
  const char *value = number;
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT " HEAD_COLUMNS " FROM access.audit_heads"
                     " ORDER BY head_id DESC LIMIT $1::bigint",
                     1, &value, &rows, err))
    return false;
  size_t count = rows_count(rows);
  ChainHead *heads = mem_new(count, sizeof *heads);
  for (size_t row = 0; row < count; row++)
    if (!read_head(rows, row, &heads[row], err)) {
      mem_free(heads);
      return false;
    }
  *ret = heads;
  *ret_count = count;
  return true;
}

bool chain_dropped(Catalog *catalog, ChainHead *ret, bool *ret_found, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT " HEAD_COLUMNS " FROM access.audit_heads WHERE day IS NOT NULL"
                     " ORDER BY day DESC LIMIT 1",
                     0, NULL, &rows, err))
    return false;
  *ret_found = rows_count(rows) == 1;
  return !*ret_found || read_head(rows, 0, ret, err);
}

/* ---- days ---- */

bool chain_add_days(Catalog *catalog, int64_t now_us, size_t *ret_count, Error *err) {
  char seconds[24];
  char ahead[24];
  seconds_text(now_us, seconds);
  (void)snprintf(ahead, sizeof ahead, "%d", DAYS_AHEAD);
  const char *const values[] = {seconds, ahead};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT access.audit_add_days(day - 1, day + $2::integer)"
                     " FROM (SELECT (to_timestamp($1::bigint) AT TIME ZONE 'UTC')::date AS day)"
                     " AS today",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_count = (size_t)rows_get_integer(rows, 0, 0);
  return true;
}

bool chain_day_to_drop(Catalog *catalog, int64_t now_us, int64_t keep_seconds, char ret_day[16],
                       bool *ret_found, Error *err) {
  char now[24];
  char keep[24];
  seconds_text(now_us, now);
  (void)snprintf(keep, sizeof keep, "%lld", (long long)keep_seconds);
  const char *const values[] = {now, keep};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT day::text FROM (SELECT access.audit_first_day() AS day) AS first"
                     " WHERE (day + 1)::timestamp AT TIME ZONE 'UTC'"
                     " <= to_timestamp($1::bigint) - $2::bigint * interval '1 second'"
                     " AND day < (to_timestamp($1::bigint) AT TIME ZONE 'UTC')::date - 1",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_found = rows_count(rows) == 1;
  if (*ret_found)
    (void)snprintf(ret_day, 16, "%s", rows_get(rows, 0, 0));
  return true;
}

bool chain_drop_day(Catalog *catalog, const char *day, Error *err) {
  return catalog_query(catalog, "SELECT access.audit_drop_day($1::date)", 1, &day, NULL, err);
}

bool chain_keep_seconds(Catalog *catalog, int64_t *ret, Error *err) {
  static const char sql[] =
      "SELECT coalesce(max((p.canonical #>> '{keep,audit}')::bigint), 0)"
      " FROM lakebase.policy_heads AS h JOIN lakebase.policies AS p"
      " ON p.project_id = h.project_id AND p.version = h.version"
      " AND jsonb_typeof(p.canonical #> '{keep,audit}') = 'number'"
      " JOIN lakebase.projects AS o ON o.project_id = h.project_id AND o.state <> 'deleted'";
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 0, NULL, &rows, err))
    return false;
  *ret = rows_get_integer(rows, 0, 0);
  return true;
}
