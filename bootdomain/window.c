/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <string.h>

#include <bulkhead/image.h>

#include "guest_layout.h"
#include "hyper.h"
#include "range.h"

_Static_assert(WINDOW_PIECE + LAYOUT_PAGE == HYPER_MAP_MAX * LAYOUT_PAGE, "a piece may begin inside a page");

static uint32_t page_count(uint64_t gaddr, uint64_t bytes)
{
    uint64_t first = range_align_down(gaddr, LAYOUT_PAGE);
    uint64_t last = range_align_up(gaddr + bytes, LAYOUT_PAGE);

    return (uint32_t)((last - first) / LAYOUT_PAGE);
}

int64_t window_open(uint16_t domid, uint64_t gaddr, uint64_t bytes, uint8_t **at)
{
    uint64_t start = BOOT_DOMAIN_WINDOW + (gaddr & (LAYOUT_PAGE - 1));
    uint32_t pages = page_count(gaddr, bytes);
    int64_t result = hyper_map(domid, gaddr / LAYOUT_PAGE, BOOT_DOMAIN_WINDOW, pages);

    if (result != 0) {
        hyper_unmap(BOOT_DOMAIN_WINDOW, pages); /* a part may have been mapped; what was not is refused, harmlessly */
    }
    *at = hyper_pointer(start);
    return result;
}

int64_t window_close(uint16_t domid, uint64_t gaddr, uint64_t bytes)
{
    uint32_t pages = page_count(gaddr, bytes);
    int64_t cleaned = hyper_clean(domid, gaddr / LAYOUT_PAGE, pages);
    int64_t unmapped = hyper_unmap(BOOT_DOMAIN_WINDOW, pages);

    return (cleaned != 0) ? cleaned : unmapped;
}

int64_t window_each(uint16_t domid, uint64_t gaddr, uint64_t bytes, window_visit *visit, void *context)
{
    uint64_t done = 0;
    int64_t result = 0;

    while (done < bytes && result == 0) {
        uint64_t left = bytes - done;
        uint64_t piece = (left < WINDOW_PIECE) ? left : WINDOW_PIECE;
        uint8_t *at;
        result = window_open(domid, gaddr + done, piece, &at);
        if (result == 0) {
            visit(context, at, piece);
            result = window_close(domid, gaddr + done, piece);
        }
        done += piece;
    }
    return result;
}

struct copy {
    const uint8_t *from;
    uint64_t done;
};

static void copy_piece(void *context, uint8_t *at, uint64_t bytes)
{
    struct copy *copy = context;

    memcpy(at, &copy->from[copy->done], bytes);
    copy->done += bytes;
}

int64_t window_copy(uint16_t domid, uint64_t gaddr, const uint8_t *from, uint64_t bytes)
{
    struct copy copy = {.from = from};

    return window_each(domid, gaddr, bytes, copy_piece, &copy);
}
