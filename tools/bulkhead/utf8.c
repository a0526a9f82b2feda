// SPDX-License-Identifier: Apache-2.0
#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>

size_t utf8_printable(const unsigned char *p, size_t left)
{
    if (left == 0 || *p < 0xc2 || *p > 0xf4) {
        return 0;
    }
    size_t more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
    uint32_t code = *p & (0x3fu >> more);
    if (more >= left) {
        return 0;
    }
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    bool is_long_form = (more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff));
    bool is_special = code < 0xa0 || code == 0x2028 || code == 0x2029 || (code >= 0xd800 && code < 0xe000) ||
                      code == 0xfeff || (code & 0xfffe) == 0xfffe;
    return is_long_form || is_special ? 0 : more + 1;
}
