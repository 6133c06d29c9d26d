/* durable_file.h - replaces a small file whole, so that a kill or a power loss leaves the old one
 * or the new one. */
#ifndef TICKPIPE_COMMON_EDGE_DURABLE_FILE_H
#define TICKPIPE_COMMON_EDGE_DURABLE_FILE_H

#include "common/leaf/base.h"

/* durable_file_write writes PATH.new (0600), fsyncs it, renames it onto path and fsyncs the folder.
 * 0 or ERR_SYS. */
int durable_file_write(const char *path, const void *data, size_t len);

#endif
