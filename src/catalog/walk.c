/* Reads the audit's chain again from its beginning and names what doesn't fit. */
#include "catalog/hash.h"
#include "catalog/private.h"
#include "core/hex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 10000, TEXT_SIZE = 512 };

/* How much older than the batch before it a row may say it is: the longest transaction, and room
 * for a clock that is being set right. */
#define BACKDATED_US (10LL * 60 * 1000000)

void chain_report_release(ChainReport *report) {
  json_free(report->list);
  *report = (ChainReport){0};
}

static void add(ChainReport *report, const char *kind, int64_t seq, const char *event_id,
                const char *event_time, const char *text) {
  report->findings++;
  if (report->list == NULL)
    report->list = json_array();
  if (json_array_size(report->list) < FINDINGS_LIMIT)
    (void)json_array_append_new(
        report->list, json_pack("{s:s, s:o, s:s?, s:s?, s:o}", "kind", kind, "seq",
                                seq > 0 ? json_integer(seq) : json_null(), "event_id", event_id,
                                "event_time", event_time, "text", json_line(text)));
}

void chain_report_add(ChainReport *report, const char *kind, int64_t seq, const char *format, ...) {
  char text[TEXT_SIZE];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  add(report, kind, seq, NULL, NULL, text);
}

/* ---- entries ---- */

/* Columns of an entry; those of its row follow, all NULL when it is gone. */
enum {
  ENTRY_SEQ,
  ENTRY_SEALED,
  ENTRY_PREV,
  ENTRY_HASH,
  ENTRY_TIME,
  ENTRY_DROPPED,
  ENTRY_SEALED_US,
  ENTRY_TIME_US,
  ENTRY_ROW
};

typedef struct Walk {
  Catalog *catalog;
  Hasher *hasher;
  ChainReport *report;
  const ChainMark *marks;
  size_t mark_count;
  size_t mark; /* the next one to come */
  int64_t seq; /* of the last entry */
  char sealed_at[STAMP_SIZE];
  int64_t batch_us; /* when this batch was sealed, and the one before it */
  int64_t before_us;
  unsigned char hash[HASH_SIZE];
  char dropped_before[STAMP_SIZE];
} Walk;

static void check_order(Walk *walk, int64_t seq, const char *time) {
  if (seq == walk->seq + 1)
    return;
  if (seq <= walk->seq)
    add(walk->report, "inserted", seq, NULL, time, "a place in the chain is taken twice");
  else
    chain_report_add(walk->report, "removed", walk->seq + 1,
                     "entries %lld to %lld of the chain are missing", (long long)walk->seq + 1,
                     (long long)seq - 1);
}

static void check_link(Walk *walk, const Rows *rows, size_t row, int64_t seq) {
  unsigned char prev[HASH_SIZE];
  bool fits = hex_read(rows_get(rows, row, ENTRY_PREV), prev, HASH_SIZE) &&
              memcmp(prev, walk->hash, HASH_SIZE) == 0;
  if (!fits && seq == walk->seq + 1)
    add(walk->report, "broken", seq, NULL, rows_get(rows, row, ENTRY_TIME),
        "the entry doesn't follow from the one before it");
}

static void tell_event(Walk *walk, const char *kind, int64_t seq, const Rows *rows, size_t row,
                       const char *what) {
  char text[TEXT_SIZE];
  (void)snprintf(text, sizeof text, "%s: %.60s by \"%.60s\"", what,
                 rows_get(rows, row, ENTRY_ROW + EVENT_ACTION),
                 rows_get(rows, row, ENTRY_ROW + EVENT_ACTOR));
  add(walk->report, kind, seq, rows_get(rows, row, ENTRY_ROW + EVENT_ID),
      rows_get(rows, row, ENTRY_TIME), text);
}

static bool check_event(Walk *walk, const Rows *rows, size_t row, int64_t seq,
                        const unsigned char hash[HASH_SIZE], Error *err) {
  unsigned char prev[HASH_SIZE];
  unsigned char actual[HASH_SIZE];
  if (rows_get(rows, row, ENTRY_ROW + EVENT_ID) == NULL) {
    if (!rows_get_bool(rows, row, ENTRY_DROPPED))
      add(walk->report, "removed", seq, NULL, rows_get(rows, row, ENTRY_TIME),
          "the row of this entry is gone");
    return true;
  }
  if (!hex_read(rows_get(rows, row, ENTRY_PREV), prev, HASH_SIZE))
    return error_set(err, ERROR_CATALOG_INVALID, "entry %lld has no hash", (long long)seq);
  if (!hasher_row(walk->hasher, prev, seq, rows_get(rows, row, ENTRY_SEALED), rows, row, ENTRY_ROW,
                  actual, err))
    return false;
  if (memcmp(actual, hash, HASH_SIZE) != 0)
    tell_event(walk, "changed", seq, rows, row, "the row isn't what was sealed");
  if (rows_get_integer(rows, row, ENTRY_TIME_US) < walk->before_us - BACKDATED_US)
    tell_event(walk, "inserted", seq, rows, row, "the row came later than it says");
  return true;
}

static void check_marks(Walk *walk, int64_t seq, const char *hash) {
  for (; walk->mark < walk->mark_count && walk->marks[walk->mark].seq <= seq; walk->mark++) {
    const ChainMark *mark = &walk->marks[walk->mark];
    if (mark->seq == seq && !str_equal(mark->hash, hash))
      chain_report_add(walk->report, "rewritten", seq,
                       "the chain up to here is another one than %s says", mark->from);
  }
}

static void see_batch(Walk *walk, int64_t sealed_us) {
  if (sealed_us != walk->batch_us)
    walk->before_us = walk->batch_us;
  walk->batch_us = sealed_us;
}

static bool take_entry(Walk *walk, const Rows *rows, size_t row, Error *err) {
  int64_t seq = rows_get_integer(rows, row, ENTRY_SEQ);
  const char *text = rows_get(rows, row, ENTRY_HASH);
  unsigned char hash[HASH_SIZE];
  if (!hex_read(text, hash, HASH_SIZE))
    return error_set(err, ERROR_CATALOG_INVALID, "entry %lld has no hash", (long long)seq);
  see_batch(walk, rows_get_integer(rows, row, ENTRY_SEALED_US));
  check_order(walk, seq, rows_get(rows, row, ENTRY_TIME));
  check_link(walk, rows, row, seq);
  if (!check_event(walk, rows, row, seq, hash, err))
    return false;
  check_marks(walk, seq, text);
  if (walk->report->first == 0)
    walk->report->first = seq;
  walk->report->last = walk->seq = seq;
  walk->report->checked++;
  memcpy(walk->hash, hash, HASH_SIZE);
  return true;
}

/* Nested loops: each chunk is a short range of both tables, whatever their statistics say. */
static const char chunk_sql[] =
    "SELECT c.seq, c.sealed_at, encode(c.prev_hash, 'hex'), encode(c.hash, 'hex'), c.event_time,"
    " c.event_time < $3::timestamptz, (extract(epoch FROM c.sealed_at) * 1000000)::bigint,"
    " (extract(epoch FROM c.event_time) * 1000000)::bigint, " EVENT_COLUMNS
    " FROM (SELECT * FROM access.audit_chain WHERE (seq, sealed_at) > ($1::bigint,"
    "   $2::timestamptz) ORDER BY seq, sealed_at LIMIT $4::bigint) AS c"
    " LEFT JOIN access.audit_events AS e ON e.event_time = c.event_time AND e.serial = c.serial"
    " ORDER BY c.seq, c.sealed_at";

static bool take_chunk(Walk *walk, size_t *ret_count, Error *err) {
  char seq[24];
  char limit[24];
  (void)snprintf(seq, sizeof seq, "%lld", (long long)walk->seq);
  (void)snprintf(limit, sizeof limit, "%d", CHUNK);
  const char *const values[] = {seq, walk->sealed_at, walk->dropped_before, limit};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(walk->catalog, chunk_sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  size_t count = rows_count(rows);
  for (size_t row = 0; row < count; row++)
    if (!take_entry(walk, rows, row, err))
      return false;
  if (count > 0)
    (void)snprintf(walk->sealed_at, sizeof walk->sealed_at, "%s",
                   rows_get(rows, count - 1, ENTRY_SEALED));
  *ret_count = count;
  return true;
}

/* ---- the rest ---- */

static bool check_end(Walk *walk, Error *err) {
  ChainHead last;
  char hash[HASH_TEXT_SIZE];
  hex_write(walk->hash, HASH_SIZE, hash);
  for (; walk->mark < walk->mark_count; walk->mark++)
    chain_report_add(walk->report, "cut-off", walk->marks[walk->mark].seq,
                     "the chain ends at %lld, but %s knows entry %lld", (long long)walk->seq,
                     walk->marks[walk->mark].from, (long long)walk->marks[walk->mark].seq);
  if (!chain_last(walk->catalog, &last, err))
    return false;
  if (last.seq > walk->seq)
    chain_report_add(walk->report, "cut-off", walk->seq + 1,
                     "the chain ends at %lld, but the sealer has given places up to %lld",
                     (long long)walk->seq, (long long)last.seq);
  else if (last.seq < walk->seq || !str_equal(last.hash, hash))
    chain_report_add(walk->report, "inserted", last.seq + 1,
                     "the chain ends otherwise than the sealer left it at %lld",
                     (long long)last.seq);
  return true;
}

/* Rows whose transactions were decided when the sealer came by, and that it didn't see. */
static bool check_unsealed(Walk *walk, Error *err) {
  static const char sql[] =
      "SELECT e.event_id, e.event_time, e.actor, e.action_name, (e.txid, e.serial) <= (s.txid,"
      " s.serial) FROM access.audit_events AS e CROSS JOIN access.audit_sealer AS s"
      " WHERE NOT EXISTS (SELECT FROM access.audit_chain AS c"
      " WHERE c.event_time = e.event_time AND c.serial = e.serial) LIMIT 10000";
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(walk->catalog, sql, 0, NULL, &rows, err))
    return false;
  for (size_t row = 0; row < rows_count(rows); row++) {
    char text[TEXT_SIZE];
    (void)snprintf(text, sizeof text, "the row was never sealed: %.60s by \"%.60s\"",
                   rows_get(rows, row, 3), rows_get(rows, row, 2));
    if (rows_get_bool(rows, row, 4))
      add(walk->report, "inserted", 0, rows_get(rows, row, 0), rows_get(rows, row, 1), text);
    else
      walk->report->unsealed++;
  }
  return true;
}

static int by_seq(const void *left, const void *right) {
  const ChainMark *a = left;
  const ChainMark *b = right;
  return (a->seq > b->seq) - (a->seq < b->seq);
}

/* Where dropped days ended; what of their rows was sealed a day later has lost its row with them.
 */
static bool find_start(Walk *walk, Error *err) {
  static const char long_ago[] = "2000-01-01 00:00:00+00";
  ChainHead *dropped = &walk->report->dropped;
  bool found = false;
  (void)snprintf(walk->sealed_at, sizeof walk->sealed_at, "%s", long_ago);
  (void)snprintf(walk->dropped_before, sizeof walk->dropped_before, "%s", long_ago);
  if (!chain_dropped(walk->catalog, dropped, &found, err))
    return false;
  if (!found)
    return true;
  if (!hex_read(dropped->hash, walk->hash, HASH_SIZE))
    return error_set(err, ERROR_CATALOG_INVALID, "a signed head of the audit has no hash");
  walk->seq = dropped->seq;
  (void)snprintf(walk->dropped_before, sizeof walk->dropped_before, "%.10s 23:59:59.999999+00",
                 dropped->day);
  while (walk->mark < walk->mark_count && walk->marks[walk->mark].seq < dropped->seq)
    walk->mark++; /* of what is gone */
  check_marks(walk, dropped->seq, dropped->hash);
  return true;
}

static bool walk_all(Walk *walk, Error *err) {
  static const char settings[] =
      "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
      "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
      "SET LOCAL enable_seqscan = off; SET LOCAL statement_timeout = '5min'";
  static const char whole[] = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on";
  size_t count = 1;
  if (!conn_exec(catalog_conn(walk->catalog), settings, NULL, err) || !find_start(walk, err))
    return false;
  while (count > 0)
    if (!take_chunk(walk, &count, err))
      return false;
  return check_end(walk, err) && conn_exec(catalog_conn(walk->catalog), whole, NULL, err) &&
         check_unsealed(walk, err);
}

bool chain_walk(Catalog *catalog, ChainMark *marks, size_t mark_count, ChainReport *ret,
                Error *err) {
  AUTO(hasher_free) Hasher *hasher = hasher_new();
  AUTO_RELEASE(chain_report_release) ChainReport report = {.list = json_array()};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (mark_count > 0)
    qsort(marks, mark_count, sizeof *marks, by_seq);
  Walk walk = {.catalog = catalog,
               .hasher = hasher,
               .report = &report,
               .marks = marks,
               .mark_count = mark_count};
  if (!catalog_begin(catalog, &guard, err) || !walk_all(&walk, err))
    return false;
  *ret = report;
  report = (ChainReport){0};
  return true;
}
