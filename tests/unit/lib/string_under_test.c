/* SPDX-License-Identifier: Apache-2.0 */
/* hypervisor/lib/string.c under names that the C library does not have. */
#define memcpy  ours_memcpy
#define memmove ours_memmove
#define memset  ours_memset
#define memcmp  ours_memcmp
#include "../../../hypervisor/lib/string.c"
