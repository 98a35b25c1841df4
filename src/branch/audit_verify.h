/* Walks the audit's chain and holds it against everything that was signed. */
#pragma once

#include "branch/context.h"

/* anchors: text of an anchor file that was kept elsewhere, NULL for none. *ret: {ok, checked,
 * first, last, unsealed, heads, anchors, key, findings_count, findings: [{kind, seq, event_id,
 * event_time, text}], duration_ms}; kind: changed, removed, inserted, broken, rewritten, cut-off,
 * signature. */
CHECKED bool audit_verify(Context *context, const char *anchors, json_t **ret, Error *err);
