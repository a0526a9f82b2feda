/* SPDX-License-Identifier: Apache-2.0 */
/* Files, and where the parts of a Bulkhead tree are. */
#ifndef TOOL_FILE_H
#define TOOL_FILE_H

#include <stdbool.h>

#include "mem.h"

#define FILE_MAX_BYTES (UINT64_C(4) << 30)

/* The whole file. 0 or an errno value; EFBIG above FILE_MAX_BYTES. */
int file_read(struct arena *arena, const char *path, struct bytes *out);

/* Replace `path` by `data` in one step; long runs of zeroes become holes. 0 or an errno value. */
int file_write(const char *path, struct bytes data);

/* `path` seen from the folder of `from`; absolute paths stay. */
const char *file_beside(struct arena *arena, const char *from, const char *path);

/* `relative` in the tree that this program belongs to: $BULKHEAD_ROOT, or the nearest folder above the program that
 * has boards/, or the working directory. */
const char *file_in_root(struct arena *arena, const char *relative);

bool file_exists(const char *path);

/* Create the folder and those above it. */
void file_make_folder(const char *path);

#endif
