/* Reading ahead what every session of a starting server needs first. */
#pragma once

/* Asks the kernel to read the catalogs of a data directory into memory: the shared ones, and those
 * of the databases that somebody made (some at most), or of initdb's where nobody made one. The
 * files of a copy are others than those of its source to the kernel, so the first sessions would
 * wait for the disk page by page. Takes some milliseconds, in which the server may be starting;
 * nothing depends on its success. */
void readahead_catalogs(const char *data_directory);
