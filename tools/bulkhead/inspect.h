/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into an image and verifying it.  [impl->dsn~tool-inspect~1] */
#ifndef TOOL_INSPECT_H
#define TOOL_INSPECT_H

#include "image.h"
#include "system.h"

/* Describe the image in `out` and report everything that is wrong with it. True when it is good. */
bool inspect_image(struct arena *arena, struct diags *d, const char *file, struct bytes data, struct buffer *out);

/* The system that an archive describes, modules attached, against its board; start: of the archive in the file.
 * What is wrong is reported. */
bool inspect_archive(struct arena *arena, struct diags *d, struct place start, struct bytes archive, struct system *s,
                     struct buffer *out);

#endif
