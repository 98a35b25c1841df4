/* What the other end of one of Bough's own sockets may send: frames are read whole or refused, and
 * what was read is the same when it is sent on. */
#include "core/io.h"
#include "core/rpc.h"
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int file_with(const void *bytes, size_t length) {
  int fd = memfd_create("frames", MFD_CLOEXEC);
  HOLDS(fd >= 0 && io_pwrite(fd, bytes, length, 0, NULL));
  return fd;
}

static void check(const Frame *frame) {
  size_t length = 0;
  AUTO(str_free)
  char *bytes = frame_encode(frame->message, frame->blob, frame->blob_length, &length);
  AUTO_RELEASE(fd_release) int fd = file_with(bytes, length);
  AUTO_RELEASE(frame_release) Frame again = {0};
  bool end = true;
  HOLDS(frame_read(fd, &again, &end, NULL) && !end);
  HOLDS(json_equal(again.message, frame->message) && again.blob_length == frame->blob_length);
  HOLDS(frame->blob_length == 0 || memcmp(again.blob, frame->blob, frame->blob_length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO_RELEASE(fd_release) int fd = file_with(bytes, length);
  for (bool end = false; !end;) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    Error err = ERROR_INIT;
    if (!frame_read(fd, &frame, &end, &err)) {
      HOLDS(err.code != ERROR_NONE && frame.message == NULL && frame.blob == NULL);
      return 0;
    }
    if (!end)
      check(&frame);
  }
  HOLDS(lseek(fd, 0, SEEK_CUR) == (off_t)length);
  return 0;
}
