/* SPDX-License-Identifier: Apache-2.0 */
/* What bhctl does with files and a store: dumps, requests.
 * [utest->dsn~bhctl-dump~1] [utest->dsn~bhctl-request~1] */
#include "bhctl_fixture.h"
#include "core/physmap.h"

#include <string.h>

#include <xen/io/xs_wire.h>

/* ---- a file and mappings ---- */

#define FILE_BYTES (8u << 20)
#define MAGIC_PAGE UINT64_C(0x39000) /* of the ring to the store */

static uint8_t file[FILE_BYTES];
static uint64_t file_bytes;
static char opened[40];
static int64_t open_error, write_error;
static uint32_t writes_before_error;
static bool no_memory;

static int64_t file_open(const char *path)
{
    strcpy(opened, path);
    settle(); /* other CPUs go on meanwhile */
    return open_error;
}

static int64_t file_write(uint64_t offset, const void *data, size_t bytes)
{
    if (write_error != 0 && writes_before_error-- == 0) {
        return write_error;
    }
    assert_true(offset + bytes <= FILE_BYTES);
    memcpy(&file[offset], data, bytes);
    file_bytes = (offset + bytes > file_bytes) ? offset + bytes : file_bytes;
    return 0;
}

static void *frame_of(struct domain *d, uint64_t gfn)
{
    spin_lock(&d->physmap_lock);
    struct stage2_entry e = physmap_look(d, GFN(gfn));
    spin_unlock(&d->physmap_lock);
    return (e.mapping == MAPPING_RAM) ? arch_map_frame(e.mfn) : NULL;
}

static uint8_t pages[BHCTL_FRAMES * PAGE_SIZE];
static uint32_t mappings;

static const uint8_t *map(uint16_t domid, uint64_t gfn, int32_t *error)
{
    for (uint32_t i = 0; i < BHCTL_FRAMES; i++) {
        const void *frame = frame_of(domain_of(domid), gfn + i);
        error[i] = (frame == NULL) ? ERR_INVAL : 0;
        memcpy(&pages[i * PAGE_SIZE], (frame == NULL) ? pages : frame, PAGE_SIZE);
    }
    mappings += no_memory ? 0u : 1u;
    return no_memory ? NULL : pages;
}

static void unmap(const uint8_t *at)
{
    assert_ptr_equal(at, pages);
    mappings--;
}

/* ---- a store ---- */

static char value[40], written[5][40];
static uint32_t writes, takes_after; /* looks until the guest takes the request */
static int64_t store_error;

/* The guest ends when it is asked, and empties nothing. */
static bool ends;

static int64_t store(uint32_t type, const char *payload, uint32_t bytes, char *answer, uint32_t room)
{
    static const char start_of_path[] = "/local/domain/3/control/shutdown";

    if (store_error != 0) {
        return store_error;
    }
    assert_string_equal(payload, start_of_path);
    assert_true(room > sizeof(value) / 2);
    if (type == XS_WRITE) {
        memset(value, 0, sizeof(value));
        memcpy(value, &payload[sizeof(start_of_path)], bytes - sizeof(start_of_path));
        strcpy(written[writes], value);
        writes++;
        strcpy(answer, "OK");
        if (ends) {
            domain_shutdown(linux_domain, 0);
            settle();
        }
    } else {
        assert_int_equal(type, XS_READ);
        assert_int_equal(bytes, sizeof(start_of_path));
        value[0] = (takes_after == 0) ? '\0' : value[0];
        takes_after--;
        strcpy(answer, value);
    }
    return 0;
}

static const struct bhctl_host host = {file_open, file_write, map, unmap, store};

static int start_host(void **state)
{
    (void)start(state);
    memset(file, 0, sizeof(file));
    file_bytes = writes = mappings = 0;
    open_error = write_error = store_error = 0;
    no_memory = ends = false;
    takes_after = 0;
    port.host = &host;
    return 0;
}

/* ---- dumps ---- */

static uint64_t field(uint64_t at, uint32_t bytes)
{
    uint64_t v = 0;

    memcpy(&v, &file[at], bytes);
    return v;
}

#define NOTE(n)    (0x1000u + (n) * 412u)
#define SEGMENT(n) (64u + (n) * 56u)
#define RAM0       UINT64_C(0x40000)

static void a_dump_has_registers_and_memory(void **state)
{
    uint8_t *first = frame_of(linux_domain, RAM0);
    uint8_t *last = frame_of(linux_domain, RAM0 + 511);
    uint64_t at;

    (void)state;
    memset(first, 0, PAGE_SIZE);
    memcpy(&first[100], "first", 5);
    memset(last, 0, PAGE_SIZE);
    vcpu_of(linux_domain->id, 0)->arch.x[0] = 33;
    assert_int_equal(run("dump linux some/file"), BHCTL_GOOD);
    assert_string_equal(said, "");
    assert_string_equal(opened, "some/file");
    assert_int_equal(linux_domain->pause_count, 0);
    assert_int_equal(mappings, 0);
    assert_memory_equal(file,
                        "\x7f"
                        "ELF\2\1\1",
                        7);
    assert_int_equal(field(16, 2), 4);   /* ET_CORE */
    assert_int_equal(field(18, 2), 183); /* EM_AARCH64 */
    assert_int_equal(field(32, 8), 64);
    assert_int_equal(field(56, 2), 2); /* segments: notes, RAM */
    assert_int_equal(field(SEGMENT(0), 4), 4);
    assert_int_equal(field(SEGMENT(0) + 8, 8), NOTE(0));
    assert_int_equal(field(SEGMENT(0) + 32, 8), 412); /* one vCPU is on */
    assert_int_equal(field(NOTE(0) + 8, 4), 1);       /* NT_PRSTATUS */
    assert_string_equal((char *)&file[NOTE(0) + 12], "CORE");
    assert_int_equal(field(NOTE(0) + 20 + 32, 4), 1);                            /* thread */
    assert_int_equal(field(NOTE(0) + 20 + 112, 8), 33);                          /* x0 */
    assert_int_equal(field(NOTE(0) + 20 + 112 + 32 * 8, 8), RAM0 << PAGE_SHIFT); /* pc */
    assert_int_equal(field(SEGMENT(1), 4), 1);
    assert_int_equal(field(SEGMENT(1) + 16, 8), RAM0 << PAGE_SHIFT);
    assert_int_equal(field(SEGMENT(1) + 24, 8), RAM0 << PAGE_SHIFT);
    assert_int_equal(field(SEGMENT(1) + 32, 8), 2u << 20);
    assert_int_equal(field(SEGMENT(1) + 40, 8), 2u << 20);
    at = field(SEGMENT(1) + 8, 8);
    assert_memory_equal(&file[at + 100], "first", 5);
    assert_int_equal(file_bytes, at + (2u << 20)); /* to its end, even if that is zero */
}

/* A page was given back: two segments. */
static void holes_are_not_in_a_dump(void **state)
{
    xen_pfn_t hole = RAM0 + 100;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    (void)state;
    r.extent_start.p = &hole;
    assert_int_equal(do_memory(vcpu_of(linux_domain->id, 0), XENMEM_decrease_reservation, &r), 1);
    memcpy(frame_of(linux_domain, RAM0 + 101), "behind", 6);
    assert_int_equal(run("dump 3 f"), BHCTL_GOOD);
    assert_int_equal(field(56, 2), 3);
    assert_int_equal(field(SEGMENT(1) + 32, 8), 100 * PAGE_SIZE);
    assert_int_equal(field(SEGMENT(2) + 16, 8), (RAM0 + 101) << PAGE_SHIFT);
    assert_int_equal(field(SEGMENT(2) + 32, 8), 411 * PAGE_SIZE);
    assert_memory_equal(&file[field(SEGMENT(2) + 8, 8)], "behind", 6);
}

/* More stretches than there are segments: the last one has holes. */
static void many_holes_are_zeros(void **state)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    (void)state;
    for (xen_pfn_t hole = RAM0 + 1; hole < RAM0 + 121; hole += 2) {
        r.extent_start.p = &hole;
        assert_int_equal(do_memory(vcpu_of(linux_domain->id, 0), XENMEM_decrease_reservation, &r), 1);
    }
    memcpy(frame_of(linux_domain, RAM0 + 511), "end", 3);
    assert_int_equal(run("dump linux f"), BHCTL_GOOD);
    assert_int_equal(field(56, 2), 41);
    assert_int_equal(field(SEGMENT(40) + 16, 8), (RAM0 + 78) << PAGE_SHIFT);
    assert_int_equal(field(SEGMENT(40) + 32, 8), (512 - 78) * PAGE_SIZE);
    assert_memory_equal(&file[field(SEGMENT(40) + 8, 8) + (511 - 78) * PAGE_SIZE], "end", 3);
}

static void who_has_stopped_or_is_paused_stays_so(void **state)
{
    (void)state;
    assert_int_equal(run("pause linux"), BHCTL_GOOD);
    assert_int_equal(run("dump linux f"), BHCTL_GOOD);
    assert_int_equal(linux_domain->pause_count, 1);
    assert_int_equal(run("unpause linux"), BHCTL_GOOD);
    domain_shutdown(linux_domain, 3);
    settle();
    assert_int_equal(run("dump linux f"), BHCTL_GOOD);
    assert_int_equal(linux_domain->pause_count, 0);
    assert_int_equal(field(SEGMENT(0) + 32, 8), 412);
}

static void a_dump_that_fails_says_why(void **state)
{
    (void)state;
    assert_int_equal(run("dump linux"), BHCTL_USAGE);
    assert_int_equal(run("dump nobody f"), BHCTL_NOBODY);
    assert_int_equal(run("dump brake f"), BHCTL_REFUSED);
    assert_string_equal(
        said, "bhctl: dump of brake is refused: it is a safe domain, and its description gives nobody here the "
              "right 'map-foreign' [safe-domain-protected]\n");
    assert_int_equal(file_bytes, 0);
    open_error = -2;
    assert_int_equal(run("dump linux f"), BHCTL_FAILED);
    assert_string_equal(said, "bhctl: dump failed: error 2\n");
    assert_int_equal(file_bytes, 0);
    open_error = 0;
    write_error = -28;
    for (uint32_t i = 0; i < 6u; i++) { /* a note, a page, the header */
        writes_before_error = i;
        assert_true(run("dump linux f") == BHCTL_FAILED || i > 2u);
        assert_int_equal(linux_domain->pause_count, 0);
        assert_int_equal(mappings, 0);
    }
    write_error = 0;
    no_memory = true;
    assert_int_equal(run("dump linux f"), BHCTL_FAILED);
    static const struct bhctl_host no_files = {.store = store};
    port.host = &no_files;
    assert_int_equal(run("dump linux f"), BHCTL_FAILED);
    assert_string_equal(said,
                        "bhctl: dump failed: there are no files here; `health` shows the registers of the last crash "
                        "[no-files]\n");
}

/* ---- requests ---- */

static void a_request_goes_through_the_store(void **state)
{
    (void)state;
    clock_step = 1000;
    takes_after = 3;
    assert_int_equal(run("shutdown linux"), BHCTL_GOOD);
    assert_string_equal(said, "");
    takes_after = 0;
    assert_int_equal(run("reboot linux"), BHCTL_GOOD);
    assert_int_equal(writes, 2);
    assert_string_equal(written[0], "poweroff");
    assert_string_equal(written[1], "reboot");
}

static void a_request_that_nobody_takes_is_withdrawn(void **state)
{
    (void)state;
    clock_step = 2000000000;
    takes_after = 1000;
    assert_int_equal(run("shutdown linux"), BHCTL_FAILED);
    assert_string_equal(
        said, "bhctl: shutdown failed: its kernel has not taken the request; `destroy` ends it, `restart` starts it "
              "anew\n");
    assert_int_equal(writes, 2);
    assert_string_equal(written[1], "");
}

/* It ends before it empties the node. */
static void who_has_stopped_needs_no_answer(void **state)
{
    (void)state;
    clock_step = 1000;
    takes_after = 1000;
    ends = true;
    assert_int_equal(run("shutdown linux"), BHCTL_GOOD);
    assert_int_equal(writes, 1);
    assert_int_equal(run("reboot linux"), BHCTL_FAILED); /* there is nobody to ask any more */
    assert_string_equal(said, "bhctl: reboot failed: not in the state that it is in, or no such number\n");
    assert_int_equal(writes, 1);
}

static void a_request_that_cannot_be_made_says_why(void **state)
{
    static const struct {
        int64_t error;
        const char *why;
    } cases[] = {
        {-2, "bhctl: shutdown failed: it is not connected to xenstore, so nobody can ask it; `destroy` ends it, "
             "`restart` starts "
             "it anew [no-request-to-domains]\n"},
        {-13, "bhctl: shutdown failed: it is not connected to xenstore, so nobody can ask it; `destroy` ends it, "
              "`restart` starts "
              "it anew [no-request-to-domains]\n"},
        {-19, "bhctl: shutdown failed: this domain is not connected to xenstore; its description does not say "
              "`enhanced: yes` "
              "[no-store]\n"},
        {-5, "bhctl: shutdown failed: error 5\n"},
    };

    (void)state;
    for (uint32_t i = 0; i < 4u; i++) {
        store_error = cases[i].error;
        assert_int_equal(run("shutdown linux"), BHCTL_FAILED);
        assert_string_equal(said, cases[i].why);
    }
    assert_int_equal(run("reboot brake"), BHCTL_REFUSED);
    assert_string_equal(
        said, "bhctl: reboot of brake is refused: it is a safe domain, and its description gives nobody here the "
              "right 'destroy' [safe-domain-protected]\n");
    port.host = NULL;
    assert_int_equal(run("shutdown linux"), BHCTL_FAILED);
    assert_string_equal(said, cases[2].why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_dump_has_registers_and_memory, start_host),
        cmocka_unit_test_setup(holes_are_not_in_a_dump, start_host),
        cmocka_unit_test_setup(many_holes_are_zeros, start_host),
        cmocka_unit_test_setup(who_has_stopped_or_is_paused_stays_so, start_host),
        cmocka_unit_test_setup(a_dump_that_fails_says_why, start_host),
        cmocka_unit_test_setup(a_request_goes_through_the_store, start_host),
        cmocka_unit_test_setup(a_request_that_nobody_takes_is_withdrawn, start_host),
        cmocka_unit_test_setup(who_has_stopped_needs_no_answer, start_host),
        cmocka_unit_test_setup(a_request_that_cannot_be_made_says_why, start_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
