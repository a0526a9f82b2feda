/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool's fuzzers share. */
#ifndef FUZZ_TOOL_COMMON_H
#define FUZZ_TOOL_COMMON_H

#include "system.h"

/* A board like qemu-virt, without reading a file. */
void fuzz_board(struct arena *arena, struct board *board);

/* Every check of a system whose modules are not read; a system without errors must give a launch archive. */
void fuzz_check(struct arena *arena, struct diags *d, struct system *s);

/* What import prints must be YAML that decodes without an error of form. Aborts otherwise. */
void fuzz_round_trip(struct arena *arena, const struct system *s);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
