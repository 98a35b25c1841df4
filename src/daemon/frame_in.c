/* Frames as they arrive on a pipe. */
#include "daemon/frame_in.h"

#include "core/rpc.h"
#include "core/str.h"

bool frame_take(struct evbuffer *input, size_t limit, json_t **ret, Error *err) {
  unsigned char header[RPC_HEADER_SIZE];
  size_t length = 0;
  size_t blob = 0;
  if (evbuffer_copyout(input, header, sizeof header) < (ev_ssize_t)sizeof header ||
      !frame_decode_header(header, &length, &blob, err))
    return false;
  if (length > limit || blob > limit - length)
    return error_set(err, ERROR_TOO_LARGE, "a frame of %zu bytes", length + blob);
  if (evbuffer_get_length(input) < sizeof header + length + blob)
    return false;
  (void)evbuffer_drain(input, sizeof header);
  AUTO(str_free) char *text = mem_new(length + 1, 1);
  (void)evbuffer_remove(input, text, length);
  (void)evbuffer_drain(input, blob);
  return json_parse(text, length, ret, err);
}
