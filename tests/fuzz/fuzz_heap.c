/* Heap pages: whatever the bytes are, a row that is visited lies within the page. */
#include "pg/heap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(void *context, const uint8_t *row, size_t length) {
  const uint8_t *page = context;
  if (row < page || row + length > page + HEAP_PAGE_SIZE)
    abort();
}

/* Once as it came, and once under a header that fits, which mutations hardly keep. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint8_t header[] = {0,  0, 0,  0, 0, 0,    0, 0,    0, 0, 0, 0,
                                   64, 0, 64, 0, 0, 0x20, 4, 0x20, 0, 0, 0, 0};
  uint8_t page[HEAP_PAGE_SIZE] = {0};
  memcpy(page, data, size < sizeof page ? size : sizeof page);
  (void)heap_page_rows(page, check_row, page);
  memcpy(page, header, sizeof header);
  (void)heap_page_rows(page, check_row, page);
  return 0;
}
