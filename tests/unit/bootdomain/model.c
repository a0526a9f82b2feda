/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/errno.h>
#include <bulkhead/image.h>

#include "hyper.h"
#include "said.h"

#define PAGE      UINT64_C(4096)
#define MAX_PAGES 65536u
#define MAX_GFN   0x80000u

struct page {
    uint8_t *bytes;
    uint16_t domid;
    uint64_t gfn;
    uint64_t machine;
    bool is_moved;
};

struct model_domain model_domains[MODEL_DOMAINS];
static struct page pages[MAX_PAGES];
static uint32_t page_at[MODEL_DOMAINS][MAX_GFN]; /* index in pages + 1 */
static uint32_t page_count;
static uint32_t calls;
static uint32_t fail_at;
static int64_t fail_with;

static struct {
    bool is_open;
    uint16_t domid;
    uint64_t gfn;
    uint32_t count;
    uint8_t bytes[HYPER_MAP_MAX * PAGE];
} window;

struct board_table model_board;
struct ranges model_claimed;
jmp_buf model_exit;
uint32_t model_status, model_action;
struct bulkhead_dynamic model_dynamic;
static bool destroy_fails;
static uint64_t ticks;

static struct {
    uint64_t gaddr;
    uint8_t *bytes;
    uint64_t size;
} owned[8];
static uint32_t own_count;

static struct {
    uint64_t base;
    uint64_t size;
    uint8_t bytes[65536];
    uint64_t mapped_at;
} outside;

void model_reset(void)
{
    memset(model_pools, 0, sizeof(model_pools));
    for (uint32_t i = 0; i < page_count; i++) {
        free(pages[i].bytes);
    }
    page_count = 0;
    memset(page_at, 0, sizeof(page_at));
    memset(model_domains, 0, sizeof(model_domains));
    memset(&window, 0, sizeof(window));
    memset(&outside, 0, sizeof(outside));
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        model_domains[0].holder[right] = DOMID_BOOT;
    }
    model_fail(UINT32_MAX, 0);
    ranges_clear(&model_claimed);
    own_count = 0;
    ticks = 0;
    destroy_fails = false;
}

void model_fail_destroy(void)
{
    destroy_fails = true;
}

void model_own_memory(uint64_t gaddr, void *bytes, uint64_t size)
{
    assert_true(own_count < sizeof(owned) / sizeof(owned[0]));
    owned[own_count].gaddr = gaddr;
    owned[own_count].bytes = bytes;
    owned[own_count].size = size;
    own_count++;
}

void model_fail(uint32_t n, int64_t error)
{
    calls = 0;
    fail_at = n;
    fail_with = error;
}

uint32_t model_calls(void)
{
    return calls;
}

static bool fails(void)
{
    calls++;
    return calls - 1 == fail_at;
}

bool model_step(int64_t *error)
{
    *error = fail_with;
    return !fails();
}

#define FAIL_HERE()                                                                                                    \
    do {                                                                                                               \
        if (fails()) {                                                                                                 \
            return fail_with;                                                                                          \
        }                                                                                                              \
    } while (0)

static struct page *find(uint16_t domid, uint64_t gfn)
{
    assert_true(domid < MODEL_DOMAINS && gfn < MAX_GFN);
    return (page_at[domid][gfn] == 0) ? NULL : &pages[page_at[domid][gfn] - 1];
}

static void add_pages(uint16_t domid, uint64_t gfn, uint64_t count, uint64_t machine, const uint8_t *from,
                      uint32_t tail_bytes)
{
    for (uint64_t i = 0; i < count; i++) {
        assert_true(page_count < MAX_PAGES);
        struct page *page = &pages[page_count];
        *page = (struct page){.bytes = calloc(1, PAGE), .domid = domid, .gfn = gfn + i};
        page->machine = (machine == 0) ? 0 : machine + i;
        if (from != NULL) {
            page->is_moved = true;
            memcpy(page->bytes, &from[i * PAGE], (i + 1 == count) ? tail_bytes : PAGE);
        }
        page_count++;
        page_at[domid][gfn + i] = page_count;
    }
}

void model_assert_building(uint16_t domid)
{
    assert_true(domid > 0 && domid < MODEL_DOMAINS);
    assert_true(model_domains[domid].exists && !model_domains[domid].is_running);
}

bool model_is_free(uint16_t domid, uint64_t gfn, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (find(domid, gfn + i) != NULL) {
            return false;
        }
    }
    return true;
}

static int64_t check_budget(uint16_t domid, uint64_t more)
{
    return ((model_pages(domid) + more) * PAGE > model_domains[domid].max_memory) ? -XEN_ENOMEM : 0;
}

uint64_t model_pages(uint16_t domid)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < page_count; i++) {
        count += (pages[i].domid == domid) ? 1 : 0;
    }
    return count;
}

uint64_t model_moved_pages(uint16_t domid)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < page_count; i++) {
        count += (pages[i].domid == domid && pages[i].is_moved) ? 1 : 0;
    }
    return count;
}

void model_read(uint16_t domid, uint64_t gaddr, void *to, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        const struct page *page = find(domid, (gaddr + done) / PAGE);
        uint64_t inside = (gaddr + done) % PAGE;
        uint64_t piece = (bytes - done < PAGE - inside) ? bytes - done : PAGE - inside;
        assert_non_null(page);
        memcpy((uint8_t *)to + done, &page->bytes[inside], piece);
        done += piece;
    }
}

uint64_t model_machine(uint16_t domid, uint64_t gfn)
{
    const struct page *page = find(domid, gfn);

    assert_non_null(page);
    return page->machine;
}

void model_set_outside(uint64_t base, const void *bytes, uint64_t size)
{
    assert_true(size <= sizeof(outside.bytes));
    outside.base = base;
    outside.size = size;
    memcpy(outside.bytes, bytes, size);
}

/* ---- what the builder calls ---- */

int64_t hyper_create(const struct plan_domain *domain, uint16_t *domid)
{
    FAIL_HERE();
    for (uint16_t i = 1; *domid == 0 && i < MODEL_DOMAINS; i++) { /* 0: any */
        *domid = model_domains[i].exists ? 0 : i;
    }
    assert_true(*domid > 0 && *domid < MODEL_DOMAINS);
    struct model_domain *model = &model_domains[*domid];
    assert_false(model->exists || model->is_destroyed);
    model->exists = true;
    model->label = domain->label;
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        model->holder[right] = DOMID_BOOT;
    }
    return 0;
}

int64_t hyper_destroy(uint16_t domid)
{
    model_assert_building(domid);
    assert_false(window.is_open);
    if (destroy_fails) {
        return -XEN_EBUSY;
    }
    model_domains[domid].exists = false;
    model_domains[domid].is_destroyed = true;
    memset(page_at[domid], 0, sizeof(page_at[domid]));
    return 0;
}

int64_t hyper_unpause(uint16_t domid)
{
    model_assert_building(domid);
    assert_false(window.is_open);
    FAIL_HERE();
    model_domains[domid].is_running = true;
    return 0;
}

int64_t hyper_set_paging(uint16_t domid, uint64_t bytes)
{
    model_assert_building(domid);
    FAIL_HERE();
    model_domains[domid].paging = bytes;
    return 0;
}

int64_t hyper_set_max_memory(uint16_t domid, uint64_t bytes)
{
    model_assert_building(domid);
    FAIL_HERE();
    model_domains[domid].max_memory = bytes;
    return 0;
}

int64_t hyper_set_vcpus(uint16_t domid, uint32_t count)
{
    model_assert_building(domid);
    FAIL_HERE();
    model_domains[domid].vcpus = count;
    return 0;
}

int64_t hyper_set_identity(uint16_t domid, const struct plan_domain *domain)
{
    model_assert_building(domid);
    FAIL_HERE();
    model_domains[domid].identity = *domain;
    return 0;
}

int64_t hyper_set_affinity(uint16_t domid, uint32_t vcpu, uint64_t cpus)
{
    model_assert_building(domid);
    assert_true(vcpu < model_domains[domid].vcpus);
    FAIL_HERE();
    model_domains[domid].cpus[vcpu] = cpus;
    return 0;
}

int64_t hyper_set_entry(uint16_t domid, uint64_t pc, uint64_t x0)
{
    model_assert_building(domid);
    FAIL_HERE();
    model_domains[domid].pc = pc;
    model_domains[domid].x0 = x0;
    return 0;
}

/* What was written through the window reaches the domain's memory here and nowhere else. */
int64_t hyper_clean(uint16_t domid, uint64_t gfn, uint64_t count)
{
    model_assert_building(domid);
    assert_true(window.is_open && window.domid == domid);
    FAIL_HERE();
    for (uint64_t i = 0; i < count; i++) {
        assert_true(gfn + i >= window.gfn && gfn + i < window.gfn + window.count);
        memcpy(find(domid, gfn + i)->bytes, &window.bytes[(gfn + i - window.gfn) * PAGE], PAGE);
    }
    return 0;
}

int64_t hyper_populate(uint16_t domid, uint64_t gfn, uint64_t count)
{
    model_assert_building(domid);
    assert_true(model_is_free(domid, gfn, count));
    FAIL_HERE();
    int64_t error = check_budget(domid, count);
    if (error == 0) {
        add_pages(domid, gfn, count, 0, NULL, 0);
    }
    return error;
}

int64_t hyper_populate_fixed(uint16_t domid, uint64_t gfn, uint64_t mfn, uint64_t count)
{
    model_assert_building(domid);
    assert_true(model_is_free(domid, gfn, count));
    FAIL_HERE();
    int64_t error = check_budget(domid, count);
    if (error == 0) {
        add_pages(domid, gfn, count, mfn, NULL, 0);
    }
    return error;
}

int64_t hyper_move(uint16_t domid, uint64_t own_gfn, uint64_t gfn, uint64_t count, uint32_t tail_bytes)
{
    model_assert_building(domid);
    assert_true(model_is_free(domid, gfn, count));
    assert_true(tail_bytes >= 1 && tail_bytes <= PAGE);
    FAIL_HERE();
    int64_t error = check_budget(domid, count);
    if (error == 0) {
        uint8_t *own = (uint8_t *)(uintptr_t)(own_gfn * PAGE);
        add_pages(domid, gfn, count, 0, own, tail_bytes);
        memset(own, 0xee, count * PAGE); /* gone from the caller */
    }
    return error;
}

int64_t hyper_map(uint16_t domid, uint64_t gfn, uint64_t to, uint32_t count)
{
    model_assert_building(domid);
    assert_false(window.is_open);
    assert_true(count >= 1 && count <= HYPER_MAP_MAX);
    assert_int_equal(to, BOOT_DOMAIN_WINDOW);
    FAIL_HERE();
    window.is_open = true;
    window.domid = domid;
    window.gfn = gfn;
    window.count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct page *page = find(domid, gfn + i);
        assert_non_null(page);
        memcpy(&window.bytes[i * PAGE], page->bytes, PAGE);
    }
    return 0;
}

int64_t hyper_unmap(uint64_t to, uint32_t count)
{
    assert_int_equal(to, BOOT_DOMAIN_WINDOW);
    if (!window.is_open) {
        return -XEN_EINVAL;
    }
    assert_int_equal(count, window.count);
    window.is_open = false;
    FAIL_HERE();
    return 0;
}

int64_t hyper_give_registers(uint16_t domid, uint64_t guest, uint64_t machine, uint64_t size)
{
    struct model_domain *domain = &model_domains[domid];

    model_assert_building(domid);
    FAIL_HERE();
    domain->registers[domain->register_count] = (struct passthrough_range){machine, size, guest};
    domain->register_count++;
    return 0;
}

int64_t hyper_give_interrupt(uint16_t domid, uint32_t intid)
{
    struct model_domain *domain = &model_domains[domid];

    model_assert_building(domid);
    FAIL_HERE();
    domain->interrupts[domain->interrupt_count] = intid;
    domain->interrupt_count++;
    return 0;
}

int64_t hyper_map_outside(uint64_t base, uint64_t size, uint64_t to)
{
    FAIL_HERE();
    assert_true(base <= outside.base && base + size >= outside.base + outside.size);
    assert_true(base % PAGE == 0 && size % PAGE == 0);
    if (outside.mapped_at != 0) {
        return -XEN_EEXIST;
    }
    outside.mapped_at = to;
    return 0;
}

int64_t hyper_move_right(enum bulkhead_right right, uint16_t target, uint16_t receiver)
{
    uint16_t domid = (target == DOMID_SELF) ? 0 : target;

    assert_true(domid < MODEL_DOMAINS && right < BULKHEAD_RIGHT_COUNT);
    if (model_domains[domid].holder[right] != DOMID_BOOT) {
        return -XEN_EPERM;
    }
    model_domains[domid].holder[right] = receiver;
    return 0;
}

int64_t hyper_rights(struct bulkhead_rights *rights)
{
    uint16_t domid = (rights->target == DOMID_SELF) ? 0 : rights->target;

    assert_true(domid < MODEL_DOMAINS);
    memcpy(rights->holder, model_domains[domid].holder, sizeof(rights->holder));
    return 0;
}

int64_t hyper_claim(uint64_t base, uint64_t size)
{
    FAIL_HERE();
    ranges_add(&model_claimed, base, size);
    return 0;
}

int64_t hyper_board(struct board_table *board)
{
    FAIL_HERE();
    *board = model_board;
    return 0;
}

int64_t hyper_boot_record(struct bulkhead_boot_record *record)
{
    *record = (struct bulkhead_boot_record){.ticks_reset = 1000, .ticks_first_domain = 5000};
    return 0;
}

void hyper_exit(uint32_t status, uint32_t action, const struct bulkhead_dynamic *dynamic)
{
    model_status = status;
    model_action = action;
    model_dynamic = *dynamic;
    longjmp(model_exit, 1);
}

void *hyper_pointer(uint64_t gaddr)
{
    for (uint32_t i = 0; i < own_count; i++) {
        if (gaddr >= owned[i].gaddr && gaddr < owned[i].gaddr + owned[i].size) {
            return &owned[i].bytes[gaddr - owned[i].gaddr];
        }
    }
    if (outside.mapped_at != 0 && gaddr >= outside.mapped_at) {
        uint64_t offset = gaddr - outside.mapped_at;
        return &outside.bytes[offset - outside.base % PAGE];
    }
    assert_true(gaddr >= BOOT_DOMAIN_WINDOW && gaddr < BOOT_DOMAIN_WINDOW + PAGE);
    return &window.bytes[gaddr - BOOT_DOMAIN_WINDOW];
}

uint64_t hyper_ticks(void)
{
    ticks++;
    return ticks;
}
