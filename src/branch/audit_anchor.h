/* Anchors: signed heads of the audit's chain, kept outside of the catalog as lines of JSON. */
#pragma once

#include "branch/context.h"
#include "catalog/chain.h"

/* Appends to ROOT/audit/anchors.jsonl, which must succeed, and to the file that "audit": {"anchor":
 * PATH} in config.json names, whose failure is told in events. */
CHECKED bool audit_anchor_write(const Home *home, const ChainHead *head, json_t *events,
                                Error *err);

/* The heads in a text of such lines; what is no such line is counted. mem_free. */
void audit_anchor_read(const char *text, size_t length, ChainHead **ret, size_t *ret_count,
                       size_t *ret_invalid);
/* Those of ROOT/audit/anchors.jsonl; none when the file isn't there. */
CHECKED bool audit_anchor_load(const Home *home, ChainHead **ret, size_t *ret_count,
                               size_t *ret_invalid, Error *err);
