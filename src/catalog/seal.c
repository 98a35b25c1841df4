/* Gives rows of the audit their places in the chain. */
#include "catalog/hash.h"
#include "catalog/private.h"
#include "core/hex.h"

#include <stdio.h>

enum { BATCH = 2000 };

/* Where the sealer stands, as text of the catalog's own. */
typedef struct Sealer {
  Rows *row; /* owns the texts */
  const char *txid;
  const char *serial;
  int64_t seq;
  unsigned char hash[HASH_SIZE];
  const char *sealed_at; /* of this batch: never before that of the last one */
  const char *decided;   /* transactions below it are over */
  const char *oldest;    /* rows before it were seen */
} Sealer;

static void sealer_release(Sealer *sealer) {
  rows_free(sealer->row);
}

/* A catalog that was restored into another cluster starts counting transactions anew. */
static bool lock_sealer(Catalog *catalog, Sealer *ret, Error *err) {
  static const char sql[] =
      "SELECT CASE WHEN txid > pg_snapshot_xmax(now.snapshot) THEN '0' ELSE txid::text END,"
      " CASE WHEN txid > pg_snapshot_xmax(now.snapshot) THEN 0 ELSE serial END, seq,"
      " encode(hash, 'hex'), greatest(sealed_at, clock_timestamp())::text,"
      " pg_snapshot_xmin(now.snapshot)::text,"
      " (least(sealed_at, clock_timestamp()) - interval '1 day')::text"
      " FROM access.audit_sealer, (SELECT pg_current_snapshot() AS snapshot) AS now"
      " FOR UPDATE OF audit_sealer";
  if (!catalog_query(catalog, sql, 0, NULL, &ret->row, err))
    return false;
  ret->txid = rows_get(ret->row, 0, 0);
  ret->serial = rows_get(ret->row, 0, 1);
  ret->seq = rows_get_integer(ret->row, 0, 2);
  ret->sealed_at = rows_get(ret->row, 0, 4);
  ret->decided = rows_get(ret->row, 0, 5);
  ret->oldest = rows_get(ret->row, 0, 6);
  return (rows_count(ret->row) == 1 && hex_read(rows_get(ret->row, 0, 3), ret->hash, HASH_SIZE)) ||
         error_set(err, ERROR_CATALOG_INVALID, "access.audit_sealer has no valid row");
}

/* Literals rather than parameters: partitions that can hold nothing new are left out by the
 * planner, and not even locked. */
static bool read_unsealed(Catalog *catalog, const Sealer *sealer, Rows **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "SELECT " EVENT_COLUMNS " FROM access.audit_events AS e"
                        " WHERE e.event_time >= ");
  sql_add_literal(&sql, sealer->oldest);
  buffer_add_text(&sql, " AND (e.txid, e.serial) > (");
  sql_add_literal(&sql, sealer->txid);
  buffer_add_text(&sql, "::xid8, ");
  sql_add_literal(&sql, sealer->serial);
  buffer_add_text(&sql, "::bigint) AND e.txid < ");
  sql_add_literal(&sql, sealer->decided);
  buffer_add_text(&sql, "::xid8 AND NOT EXISTS (SELECT FROM access.audit_chain AS c"
                        " WHERE c.event_time = e.event_time AND c.serial = e.serial"
                        " AND c.sealed_at >= ");
  sql_add_literal(&sql, sealer->oldest);
  buffer_add_format(&sql, ") ORDER BY e.txid, e.serial LIMIT %d", BATCH);
  return conn_exec(catalog_conn(catalog), sql.text, ret, err);
}

/* Arrays as text; none of the values needs quotes but times. */
typedef struct Entries {
  Buffer times, serials, hashes;
} Entries;

static void entries_release(Entries *entries) {
  buffer_release(&entries->times);
  buffer_release(&entries->serials);
  buffer_release(&entries->hashes);
}

static bool hash_rows(Sealer *sealer, const Rows *rows, Entries *entries, Error *err) {
  AUTO(hasher_free) Hasher *hasher = hasher_new();
  for (size_t row = 0; row < rows_count(rows); row++) {
    char text[HASH_TEXT_SIZE];
    const char *comma = row > 0 ? "," : "{";
    sealer->seq++;
    if (!hasher_row(hasher, sealer->hash, sealer->seq, sealer->sealed_at, rows, row, 0,
                    sealer->hash, err))
      return false;
    hex_write(sealer->hash, HASH_SIZE, text);
    buffer_add_format(&entries->times, "%s\"%s\"", comma, rows_get(rows, row, EVENT_TIME));
    buffer_add_format(&entries->serials, "%s%s", comma, rows_get(rows, row, EVENT_SERIAL));
    buffer_add_format(&entries->hashes, "%s%s", comma, text);
  }
  buffer_add_text(&entries->times, "}");
  buffer_add_text(&entries->serials, "}");
  buffer_add_text(&entries->hashes, "}");
  return true;
}

static bool append(Catalog *catalog, Sealer *sealer, const Rows *rows, Error *err) {
  static const char insert[] =
      "INSERT INTO access.audit_chain (seq, sealed_at, event_time, serial, prev_hash, hash)"
      " SELECT $1::bigint + n, $2::timestamptz, t, s,"
      " decode(lag(h, 1, $3) OVER (ORDER BY n), 'hex'), decode(h, 'hex')"
      " FROM unnest($4::timestamptz[], $5::bigint[], $6::text[])"
      " WITH ORDINALITY AS entry (t, s, h, n)";
  static const char advance[] =
      "UPDATE access.audit_sealer SET txid = $1::xid8, serial = $2::bigint, seq = $3::bigint,"
      " sealed_at = $4::timestamptz, hash = decode($5, 'hex')";
  char first[24];
  char last[24];
  char before[HASH_TEXT_SIZE];
  char after[HASH_TEXT_SIZE];
  AUTO_RELEASE(entries_release) Entries entries = {0};
  size_t end = rows_count(rows) - 1;
  (void)snprintf(first, sizeof first, "%lld", (long long)sealer->seq);
  hex_write(sealer->hash, HASH_SIZE, before);
  if (!hash_rows(sealer, rows, &entries, err))
    return false;
  (void)snprintf(last, sizeof last, "%lld", (long long)sealer->seq);
  hex_write(sealer->hash, HASH_SIZE, after);
  const char *const values[] = {first,
                                sealer->sealed_at,
                                before,
                                entries.times.text,
                                entries.serials.text,
                                entries.hashes.text};
  const char *const place[] = {rows_get(rows, end, EVENT_TXID), rows_get(rows, end, EVENT_SERIAL),
                               last, sealer->sealed_at, after};
  return catalog_query(catalog, insert, ARRAY_LENGTH(values), values, NULL, err) &&
         catalog_query(catalog, advance, ARRAY_LENGTH(place), place, NULL, err);
}

bool chain_seal(Catalog *catalog, size_t *ret_count, Error *err) {
  AUTO_RELEASE(sealer_release) Sealer sealer = {0};
  AUTO(rows_free) Rows *rows = NULL;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(catalog, &guard, err) || !lock_sealer(catalog, &sealer, err) ||
      !read_unsealed(catalog, &sealer, &rows, err))
    return false;
  size_t count = rows_count(rows);
  if (count > 0 && (!append(catalog, &sealer, rows, err) || !catalog_commit(&guard, err)))
    return false;
  *ret_count = count;
  return true;
}
