/* audit verify: the chain, the signed heads of the catalog, and the anchors outside of it. */
#include "branch/audit_verify.h"

#include "branch/audit_anchor.h"
#include "branch/audit_key.h"
#include "core/clock.h"
#include "core/str.h"

#include <string.h>

enum { HEADS_LIMIT = 100000 };

/* Heads from one place. */
typedef struct Source {
  const char *name;
  ChainHead *heads; /* owned */
  size_t count;
  size_t invalid; /* lines that are none */
} Source;

enum { SOURCE_CATALOG, SOURCE_FILE, SOURCE_GIVEN, SOURCE_COUNT };

typedef struct Verification {
  Source sources[SOURCE_COUNT];
  ChainMark *marks; /* owned, as are the texts in from */
  size_t mark_count;
} Verification;

static void verification_release(Verification *verification) {
  for (size_t at = 0; at < SOURCE_COUNT; at++)
    mem_free(verification->sources[at].heads);
  for (size_t at = 0; at < verification->mark_count; at++)
    mem_free((void *)(uintptr_t)verification->marks[at].from);
  mem_free(verification->marks);
}

static bool load(Context *context, const char *anchors, Verification *verification, Error *err) {
  Source *catalog = &verification->sources[SOURCE_CATALOG];
  Source *file = &verification->sources[SOURCE_FILE];
  Source *given = &verification->sources[SOURCE_GIVEN];
  catalog->name = "the catalog's signed head";
  file->name = "the anchor in audit/anchors.jsonl";
  given->name = "the given anchor";
  if (!chain_heads(context->catalog, HEADS_LIMIT, &catalog->heads, &catalog->count, err) ||
      !audit_anchor_load(context->home, &file->heads, &file->count, &file->invalid, err))
    return false;
  if (anchors != NULL)
    audit_anchor_read(anchors, strlen(anchors), &given->heads, &given->count, &given->invalid);
  return anchors == NULL || given->count > 0 ||
         error_set(err, ERROR_USAGE, "there is no anchor in that file");
}

/* Only what our key has signed says anything of the chain. */
static void take_heads(const AuditKey *key, const Source *source, Verification *verification,
                       ChainReport *findings) {
  if (source->invalid > 0)
    chain_report_add(findings, "signature", 0, "%zu lines are no anchors: %s", source->invalid,
                     source->name);
  for (size_t at = 0; at < source->count; at++) {
    const ChainHead *head = &source->heads[at];
    if (!audit_key_has_signed(key, head)) {
      chain_report_add(findings, "signature", head->seq,
                       "%s of %s is not signed by this installation's key", source->name,
                       head->signed_at);
      continue;
    }
    if (head->seq == 0)
      continue;
    ChainMark *mark = &verification->marks[verification->mark_count++];
    *mark = (ChainMark){.seq = head->seq,
                        .from = str_format("%s of %s", source->name, head->signed_at)};
    memcpy(mark->hash, head->hash, sizeof mark->hash);
  }
}

static void take_all(const AuditKey *key, Verification *verification, ChainReport *findings) {
  size_t count = 0;
  for (size_t at = 0; at < SOURCE_COUNT; at++)
    count += verification->sources[at].count;
  verification->marks = mem_new(count + 1, sizeof *verification->marks);
  for (size_t at = 0; at < SOURCE_COUNT; at++)
    take_heads(key, &verification->sources[at], verification, findings);
}

/* Where the walk began must be signed, or rows could be taken away as if they were past keeping. */
static void check_dropped(const AuditKey *key, ChainReport *report) {
  if (report->dropped.day[0] != '\0' && !audit_key_has_signed(key, &report->dropped))
    chain_report_add(report, "removed", report->dropped.seq,
                     "the days up to %s were dropped without a signature", report->dropped.day);
}

static json_t *describe(const Verification *verification, const ChainReport *early,
                        const ChainReport *report, int64_t started) {
  json_t *list = json_array();
  (void)json_array_extend(list, early->list);
  (void)json_array_extend(list, report->list);
  int64_t findings = early->findings + report->findings;
  const Source *sources = verification->sources;
  return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:f}", "ok", findings == 0,
                   "checked", (json_int_t)report->checked, "first", (json_int_t)report->first,
                   "last", (json_int_t)report->last, "unsealed", (json_int_t)report->unsealed,
                   "heads", (json_int_t)sources[SOURCE_CATALOG].count, "anchors",
                   (json_int_t)(sources[SOURCE_FILE].count + sources[SOURCE_GIVEN].count),
                   "findings_count", (json_int_t)findings, "findings", list, "duration_ms",
                   (double)(clock_monotonic_us() - started) / 1000.0);
}

/* What was written a moment ago gets its place first. */
static bool seal_all(Context *context, Error *err) {
  size_t count = 1;
  while (count > 0)
    if (!chain_seal(context->catalog, &count, err))
      return false;
  return true;
}

bool audit_verify(Context *context, const char *anchors, json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  AUTO_RELEASE(verification_release) Verification verification = {0};
  AUTO_RELEASE(chain_report_release) ChainReport early = {.list = json_array()};
  AUTO_RELEASE(chain_report_release) ChainReport report = {0};
  AUTO(audit_key_free) AuditKey *key = NULL;
  if (!audit_key_open(context->home, true, &key, err) ||
      !load(context, anchors, &verification, err) || !seal_all(context, err))
    return false;
  take_all(key, &verification, &early);
  if (!chain_walk(context->catalog, verification.marks, verification.mark_count, &report, err))
    return false;
  check_dropped(key, &report);
  *ret = describe(&verification, &early, &report, started);
  return true;
}
