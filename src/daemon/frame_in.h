/* Frames (core/rpc.h) as they arrive on a pipe of the loop. */
#pragma once

#include "core/json.h"

#include <event2/buffer.h>

/* Takes one whole frame off input; its blob is dropped. False with err untouched when there is none
 * yet; TOO_LARGE for one of more than limit bytes. */
CHECKED bool frame_take(struct evbuffer *input, size_t limit, json_t **ret, Error *err);
