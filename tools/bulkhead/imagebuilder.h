/* SPDX-License-Identifier: Apache-2.0 */
/* ImageBuilder's configuration (the shell assignments that uboot-script-gen reads) as a system. The text is parsed,
 * never executed. [impl->dsn~tool-import-imagebuilder~1] */
#ifndef TOOL_IMAGEBUILDER_H
#define TOOL_IMAGEBUILDER_H

#include "system.h"

/* True when the text looks like such a configuration: an assignment to one of its variables. */
bool imagebuilder_is_config(struct bytes text);

/* s->domains from the text. What a description cannot say is a note, what is wrong an error. */
void imagebuilder_read(struct arena *arena, struct diags *d, const char *file, struct bytes text, struct system *s);

#endif
