/* The hash of a row of the audit and its place. */
#pragma once

#include "catalog/chain.h"
#include "pg/conn.h"

/* The columns that are hashed, as a select list of e; versions of Bough may only add to its end. */
#define EVENT_COLUMNS                                                                              \
  "e.event_id, e.event_time, e.actor_type, e.actor, e.on_behalf_of, e.session_id, e.source_ip,"    \
  " e.service_name, e.action_name, e.request_id, e.request_params, e.status, e.error_code,"        \
  " e.error_message, e.project_id, e.branch_id, e.endpoint_id, e.serial, e.txid"
enum {
  EVENT_COLUMN_COUNT = 19,
  EVENT_ID = 0,
  EVENT_TIME,
  EVENT_ACTOR = 3,
  EVENT_ACTION = 8,
  EVENT_SERIAL = 17,
  EVENT_TXID
};

typedef struct Hasher Hasher;
Hasher *hasher_new(void);
void hasher_free(Hasher *hasher);
DEFINE_AUTO(Hasher *, hasher_free)

/* Columns from first on are EVENT_COLUMNS. ret may be prev. */
CHECKED bool hasher_row(Hasher *hasher, const unsigned char prev[HASH_SIZE], int64_t seq,
                        const char *sealed_at, const Rows *rows, size_t row, size_t first,
                        unsigned char ret[HASH_SIZE], Error *err);
