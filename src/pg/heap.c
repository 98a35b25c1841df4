/* Heap pages: PostgreSQL's src/include/storage/bufpage.h, itemid.h and access/htup_details.h. */
#include "pg/heap.h"

#include "pg/bytes.h"

#include <unistd.h>

enum { /* of a page */
       AT_LOWER = 12,
       AT_UPPER = 14,
       AT_SPECIAL = 16,
       AT_SIZE_AND_VERSION = 18,
       PAGE_HEADER = 24,
       PAGE_VERSION = 4,
};

enum { /* of a pointer to a row: offset 15 bits, state 2, length 15 */
       POINTER_SIZE = 4,
       POINTER_NORMAL = 1,
};

enum { /* of a row */
       AT_INFOMASK = 20,
       AT_HEADER_SIZE = 22,
       ROW_HEADER = 23,
       XMAX_LOCK_ONLY = 0x0080,
       XMIN_COMMITTED = 0x0100, /* with the next one: frozen */
       XMIN_INVALID = 0x0200,
       XMAX_COMMITTED = 0x0400,
       XMAX_INVALID = 0x0800,
       XMAX_IS_MULTI = 0x1000,
       MOVED = 0xC000, /* by a VACUUM FULL of ancient times */
};

typedef enum Fate { THERE, GONE, UNDECIDED } Fate;

static Fate fate_of(uint16_t mask) {
  if ((mask & MOVED) != 0 || (mask & (XMIN_COMMITTED | XMIN_INVALID)) == 0)
    return UNDECIDED;
  if ((mask & XMIN_COMMITTED) == 0)
    return GONE; /* whoever made it gave up */
  if ((mask & XMAX_INVALID) != 0)
    return THERE;
  if ((mask & XMAX_IS_MULTI) != 0)
    return UNDECIDED;
  if ((mask & XMAX_LOCK_ONLY) != 0)
    return THERE;
  return (mask & XMAX_COMMITTED) != 0 ? GONE : UNDECIDED;
}

static bool visit_row(const uint8_t *row, size_t length, HeapVisit *visit, void *context) {
  if (length < ROW_HEADER || row[AT_HEADER_SIZE] < ROW_HEADER || row[AT_HEADER_SIZE] > length)
    return false;
  Fate fate = fate_of(bytes_u16(row, AT_INFOMASK));
  if (fate == THERE && visit != NULL)
    visit(context, row + row[AT_HEADER_SIZE], length - row[AT_HEADER_SIZE]);
  return fate != UNDECIDED;
}

static bool header_is_valid(const uint8_t *page) {
  uint32_t lower = bytes_u16(page, AT_LOWER);
  uint32_t upper = bytes_u16(page, AT_UPPER);
  return bytes_u16(page, AT_SIZE_AND_VERSION) == (HEAP_PAGE_SIZE | PAGE_VERSION) &&
         bytes_u16(page, AT_SPECIAL) == HEAP_PAGE_SIZE && lower >= PAGE_HEADER && lower <= upper &&
         upper <= HEAP_PAGE_SIZE;
}

static bool is_empty(const uint8_t *page) {
  size_t at = 0;
  while (at < HEAP_PAGE_SIZE && page[at] == 0)
    at++;
  return at == HEAP_PAGE_SIZE;
}

bool heap_page_rows(const uint8_t page[HEAP_PAGE_SIZE], HeapVisit *visit, void *context) {
  if (!header_is_valid(page))
    return is_empty(page); /* made longer, and not used yet */
  uint32_t lower = bytes_u16(page, AT_LOWER);
  uint32_t upper = bytes_u16(page, AT_UPPER);
  for (uint32_t at = PAGE_HEADER; at + POINTER_SIZE <= lower; at += POINTER_SIZE) {
    uint32_t pointer = bytes_u32(page, at);
    uint32_t offset = pointer & 0x7FFF;
    uint32_t length = pointer >> 17;
    if (((pointer >> 15) & 3) != POINTER_NORMAL)
      continue; /* free, dead, or the old place of a row that is visited at its new one */
    if (offset < upper || offset + length > HEAP_PAGE_SIZE ||
        !visit_row(page + offset, length, visit, context))
      return false;
  }
  return true;
}

bool heap_file_rows(int file, HeapVisit *visit, void *context) {
  uint8_t page[HEAP_PAGE_SIZE];
  off_t offset = 0;
  ssize_t count = 0;
  while ((count = pread(file, page, sizeof page, offset)) == HEAP_PAGE_SIZE) {
    if (!heap_page_rows(page, visit, context))
      return false;
    offset += HEAP_PAGE_SIZE;
  }
  return count == 0;
}
