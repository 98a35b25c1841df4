/* Calls between Bough's own processes over a stream socket.
 *
 * A frame is two 32-bit big-endian lengths, a JSON text of the first length and raw bytes of the
 * second. A call is {"method","params"}, its answer any number of {"progress"} and then one
 * {"result"} or {"error"}. One call at a time per connection. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

enum { RPC_HEADER_SIZE = 8, RPC_LIMIT = 16 * 1024 * 1024 };

typedef struct Frame {
  json_t *message;
  char *blob; /* NULL when blob_length is 0 */
  size_t blob_length;
} Frame;

void frame_release(Frame *frame);

/* The frame as bytes, for senders that have a loop of their own. Owned by the caller. */
char *frame_encode(const json_t *message, const void *blob, size_t blob_length, size_t *ret_length);

/* The lengths behind a header; fails when they are past RPC_LIMIT. */
CHECKED bool frame_decode_header(const unsigned char header[RPC_HEADER_SIZE], size_t *ret_json,
                                 size_t *ret_blob, Error *err);

CHECKED bool frame_write(int fd, const json_t *message, const void *blob, size_t blob_length,
                         Error *err);
/* Blocks for one frame. At the end of the stream: true with *ret_end set and *ret untouched. */
CHECKED bool frame_read(int fd, Frame *ret, bool *ret_end, Error *err);

typedef void RpcProgress(void *context, const json_t *progress);

/* One call, blocking. params may be NULL and is borrowed; on_progress may be NULL. *ret (may be
 * NULL) is owned by the caller. A broken connection is ERROR_AGENT_DOWN. */
CHECKED bool rpc_call(int fd, const char *method, const json_t *params, RpcProgress *on_progress,
                      void *context, json_t **ret, Error *err);

typedef struct RpcCall {
  const char *method;
  json_t *params; /* an object, borrowed */
  const char *blob;
  size_t blob_length;
  int fd; /* of the connection, for rpc_progress */
} RpcCall;

/* Handles a call; *ret starts as NULL, which means an empty object. */
typedef bool RpcHandler(void *context, const RpcCall *call, json_t **ret, Error *err);

typedef struct RpcMethod {
  const char *name;
  RpcHandler *handler;
} RpcMethod;

/* Answers calls until the other side closes. False only when the connection broke. */
CHECKED bool rpc_serve(int fd, const RpcMethod *methods, size_t count, void *context, Error *err);

/* Tells the caller how far the work is. progress is stolen. A caller that has gone is no failure.
 */
void rpc_report(const RpcCall *call, json_t *progress);

/* A connected stream socket to the unix socket path, which may be longer than sun_path. */
CHECKED bool rpc_connect(const char *path, int *ret, Error *err);
/* A listening one with that mode, close-on-exec; a stale socket at path is replaced. */
CHECKED bool rpc_listen(const char *path, unsigned mode, int *ret, Error *err);
/* Who is on the other end. */
CHECKED bool rpc_peer(int fd, unsigned *ret_uid, int *ret_pid, Error *err);
