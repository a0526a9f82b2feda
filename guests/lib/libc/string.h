/* SPDX-License-Identifier: Apache-2.0 */
/* For third-party sources (libfdt, zlib) that include <string.h>. */
#include <guest/string.h>
