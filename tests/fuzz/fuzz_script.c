/* A dump on its way to psql: every byte is handed on, but for the lines that were understood, and
 * how the file is read makes no difference. Its first byte says how the rest lies across the
 * reader's blocks. */
#include "branch/script.h"
#include "core/io.h"
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, DATABASE_LIMIT = 63 };

static Buffer pass(const uint8_t *bytes, size_t length, size_t padding, size_t *ret_connects) {
  Buffer result = {0};
  AUTO_RELEASE(fd_release) int fd = memfd_create("script", MFD_CLOEXEC);
  AUTO(str_free) char *filler = mem_new(padding + 1, 1);
  memset(filler, '\n', padding);
  HOLDS(fd >= 0 && io_write(fd, filler, padding, NULL) && io_write(fd, bytes, length, NULL));
  HOLDS(lseek(fd, 0, SEEK_SET) == 0);
  AUTO(script_reader_free) ScriptReader *reader = script_reader_new(fd);
  ScriptPart part = {.event = SCRIPT_BYTES};
  while (part.event != SCRIPT_END) {
    HOLDS(script_read(reader, &part, NULL));
    if (part.event == SCRIPT_BYTES)
      buffer_add(&result, part.bytes, part.length);
    if (part.event == SCRIPT_CONNECT) {
      HOLDS(part.database[0] != '\0' && strlen(part.database) <= DATABASE_LIMIT);
      (*ret_connects)++;
    }
  }
  HOLDS(script_bytes(reader) == (int64_t)(padding + length));
  return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length < 1 || length > BLOCK)
    return 0;
  size_t connects = 0;
  size_t shifted_connects = 0;
  size_t padding = BLOCK - bytes[0];
  AUTO_RELEASE(buffer_release) Buffer plain = pass(bytes + 1, length - 1, 0, &connects);
  AUTO_RELEASE(buffer_release)
  Buffer shifted = pass(bytes + 1, length - 1, padding, &shifted_connects);
  HOLDS(connects == shifted_connects);
  HOLDS(shifted.length == padding + plain.length);
  HOLDS(plain.length == 0 || memcmp(shifted.text + padding, plain.text, plain.length) == 0);
  return 0;
}
