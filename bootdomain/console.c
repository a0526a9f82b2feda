/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/print.h>

#include "text.h"

void log_line(const char *line)
{
    print("%s\n", line);
}
