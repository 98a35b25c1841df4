/* What the server's own headers say about pg_control. Only built where they are installed. */
#pragma once

#include <stddef.h>

/* Writes a control file's struct, CRC left out, to ret; the values are those test_control.c
 * expects. Returns its size. */
size_t server_header_control(void *ret, size_t *ret_crc_offset);
