/* Pages of tables as bytes: enough to tell, without a server, whether every row says itself if it
 * is there. PostgreSQL notes on a row that the transactions which made and removed it are over, the
 * first time somebody looks; until then only the log of transactions knows. */
#pragma once

#include "core/base.h"

enum { HEAP_PAGE_SIZE = 8192 };

/* Called for each row that is there; row: its columns behind the header. */
typedef void HeapVisit(void *context, const uint8_t *row, size_t length);

/* Visits the rows of one page; visit may be NULL. False where the page isn't a valid one, or a
 * row's fate doesn't stand on it: then what was visited means nothing. Pure; fuzzed. */
bool heap_page_rows(const uint8_t page[HEAP_PAGE_SIZE], HeapVisit *visit, void *context);
/* The same for a whole file, which is read from its start; false, too, where it can't be read. */
bool heap_file_rows(int file, HeapVisit *visit, void *context);
