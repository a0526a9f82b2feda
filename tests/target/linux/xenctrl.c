/* SPDX-License-Identifier: Apache-2.0 */
/* A test of what Debian's own libxenctrl sees here, in a Linux domain that is in charge of others.  Prints TEST lines as our
 * own guests do.
 *   xenctrl OWN SAFE ORDINARY     numbers of: this domain, a safe one that is protected, one that is not
 * Only what libxenctrl has in every version since 4.17.
 * [itest->dsn~stock-libxenctrl~1] [itest->dsn~acquire-resource~1] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>

#define PAGE        4096u
#define LIST        8u
#define GUEST_FRAME 0x40000u /* the first of every domain's RAM */
#define CODE_FRAME  0x40080u /* of our own guests */

static xc_interface *xc;
static xenforeignmemory_handle *memory;
static uint32_t own, safe, ordinary;
static unsigned passed, failed;

static void check(const char *name, int good)
{
    if (good) {
        passed++;
        printf("TEST %s ok\n", name);
    } else {
        failed++;
        printf("TEST %s FAIL errno %d\n", name, errno);
    }
}

static int is_refused(int result)
{
    return result == -1 && errno == EPERM;
}

/* What `xl info` asks. */
static void test_platform(void)
{
    xen_extraversion_t extra = "";
    xen_capabilities_info_t capabilities = "";
    xc_physinfo_t physinfo = {0};
    int scheduler = -1;
    int version = xc_version(xc, XENVER_version, NULL);

    check("version", version >> 16 == 4 && xc_version(xc, XENVER_extraversion, &extra) == 0);
    check("capabilities",
          xc_version(xc, XENVER_capabilities, &capabilities) == 0 && strstr(capabilities, "aarch64") != NULL);
    check("physinfo",
          xc_physinfo(xc, &physinfo) == 0 && physinfo.nr_cpus == 4 && physinfo.total_pages > physinfo.free_pages);
    check("max_cpus", xc_get_max_cpus(xc) == 4 && xc_get_cpumap_size(xc) == 1);
    check("sched_id", xc_sched_id(xc, &scheduler) == 0 && scheduler > 0);
    printf("xenctrl: Xen %d.%d%s, %u CPUs, scheduler %d, %s\n", version >> 16, version & 0xffff, extra,
           physinfo.nr_cpus, scheduler, capabilities);
}

static int find(uint32_t domid, xc_domaininfo_t *info)
{
    return xc_domain_getinfolist(xc, domid, 1, info) == 1 && info->domain == domid;
}

/* What `xl list` and `xl vcpu-list` ask. */
static void test_list(void)
{
    xc_domaininfo_t list[LIST] = {0};
    xc_vcpuinfo_t vcpu = {0};
    uint8_t hard[8] = {0};
    int count = xc_domain_getinfolist(xc, 0, LIST, list);

    check("list", count == 3 && list[0].domain == own && list[1].domain == safe && list[2].domain == ordinary);
    for (int i = 0; i < count; i++) {
        printf("xenctrl: domain %u: %llu MiB, %u vCPUs, flags %x, %llu ns\n", list[i].domain,
               (unsigned long long)list[i].tot_pages * PAGE >> 20, list[i].nr_online_vcpus, list[i].flags,
               (unsigned long long)list[i].cpu_time);
    }
    check("list_tells", list[0].tot_pages > 0xf000 && list[2].tot_pages > 0xf00 && list[2].nr_online_vcpus == 1 &&
                            list[0].cpu_time > 0 && (list[0].flags & XEN_DOMINF_running) != 0);
    check("list_ends", xc_domain_getinfolist(xc, ordinary + 1, LIST, list) == 0);
    check("vcpu", xc_vcpu_getinfo(xc, safe, 0, &vcpu) == 0 && vcpu.online == 1 && vcpu.cpu == 2);
    check("affinity", xc_vcpu_getaffinity(xc, safe, 0, hard, NULL, XEN_VCPUAFFINITY_HARD) == 0 && hard[0] == 1 << 2);
    check("no_such_vcpu", xc_vcpu_getinfo(xc, safe, 7, &vcpu) == -1 && errno != EPERM);
}

static int has_context(uint32_t domid, vcpu_guest_context_any_t *context)
{
    memset(context, 0, sizeof(*context));
    return xc_vcpu_getcontext(xc, domid, 0, context) == 0 && context->c.user_regs.pc64 >> 12 >= GUEST_FRAME;
}

static void test_pause(void)
{
    static vcpu_guest_context_any_t before, after;
    xc_domaininfo_t info = {0};

    check("context_while_it_runs", !has_context(ordinary, &before) && errno == EBUSY);
    check("pause",
          xc_domain_pause(xc, ordinary) == 0 && find(ordinary, &info) && (info.flags & XEN_DOMINF_paused) != 0);
    check("context", has_context(ordinary, &before));
    check("pause_holds", has_context(ordinary, &after) && memcmp(&before, &after, sizeof(before)) == 0);
    check("unpause",
          xc_domain_unpause(xc, ordinary) == 0 && find(ordinary, &info) && (info.flags & XEN_DOMINF_paused) == 0);
}

/* Of a protected domain nothing but the sight is to be had. */
static void test_protected(void)
{
    uint8_t hard[8] = {1};

    check("safe_pause", is_refused(xc_domain_pause(xc, safe)));
    check("safe_unpause", is_refused(xc_domain_unpause(xc, safe)));
    check("safe_destroy", is_refused(xc_domain_destroy(xc, safe)));
    check("safe_memory", is_refused(xc_domain_setmaxmem(xc, safe, 4096)));
    check("safe_affinity", is_refused(xc_vcpu_setaffinity(xc, safe, 0, hard, NULL, XEN_VCPUAFFINITY_HARD)));
}

/* Its first page of code, or NULL. */
static const uint8_t *map(uint32_t domid)
{
    xen_pfn_t frame = CODE_FRAME;

    return xenforeignmemory_map(memory, domid, PROT_READ, 1, &frame, NULL);
}

static void test_map(void)
{
    const uint8_t *page = map(ordinary);

    check("map", page != NULL && page[3] != 0 && xenforeignmemory_unmap(memory, (void *)page, 1) == 0);
    check("safe_map", map(safe) == NULL && errno == EPERM);
}

/* Its grant table: who starts a domain writes the grants of its store and console there. */
static void test_resource(void)
{
    volatile grant_entry_v1_t *entry = NULL;
    xenforeignmemory_resource_handle *table;
    size_t size = 0;

    check("resource_size", xenforeignmemory_resource_size(memory, ordinary, XENMEM_resource_grant_table,
                                                          XENMEM_resource_grant_table_id_shared, &size) == 0 &&
                               size >= PAGE && size % PAGE == 0);
    table = xenforeignmemory_map_resource(memory, ordinary, XENMEM_resource_grant_table,
                                          XENMEM_resource_grant_table_id_shared, 0, 2, (void **)&entry,
                                          PROT_READ | PROT_WRITE, 0);
    check("resource", table != NULL && entry[GNTTAB_RESERVED_XENSTORE].flags == 0);
    if (table != NULL) {
        entry[GNTTAB_RESERVED_XENSTORE].domid = (domid_t)own;
        entry[GNTTAB_RESERVED_XENSTORE].flags = GTF_permit_access;
        check("resource_seed", xenforeignmemory_unmap_resource(memory, table) == 0);
        table =
            xenforeignmemory_map_resource(memory, ordinary, XENMEM_resource_grant_table,
                                          XENMEM_resource_grant_table_id_shared, 0, 1, (void **)&entry, PROT_READ, 0);
        check("resource_again", table != NULL && entry[GNTTAB_RESERVED_XENSTORE].flags == GTF_permit_access &&
                                    entry[GNTTAB_RESERVED_XENSTORE].domid == own);
    }
    check("safe_resource", xenforeignmemory_map_resource(memory, safe, XENMEM_resource_grant_table,
                                                         XENMEM_resource_grant_table_id_shared, 0, 1, (void **)&entry,
                                                         PROT_READ, 0) == NULL &&
                               errno == EPERM);
}

/* Windows of the safe domain, and what is left of the frame; the description has two schedules. */
static int set_windows(struct xen_sysctl_arinc653_schedule *s, uint64_t runtime)
{
    s->sched_entries[0].runtime = runtime;
    s->sched_entries[1].runtime = s->major_frame - runtime;
    return xc_sched_arinc653_schedule_set(xc, 0, s);
}

static void test_schedule(void)
{
    struct xen_sysctl_arinc653_schedule s = {0};
    xc_domaininfo_t info = {0};
    int result;

    check("schedule", find(safe, &info) && xc_sched_arinc653_schedule_get(xc, 0, &s) == 0 && s.num_sched_entries == 2 &&
                          s.major_frame == 10000000 && s.sched_entries[0].runtime == 8000000 &&
                          memcmp(s.sched_entries[0].dom_handle, info.handle, sizeof(info.handle)) == 0 &&
                          memcmp(s.sched_entries[1].dom_handle, info.handle, sizeof(info.handle)) != 0);
    check("schedule_unknown", set_windows(&s, 7000000) == -1 && errno == EINVAL);
    check("schedule_set", set_windows(&s, 5000000) == 0);
    do {
        result = xc_sched_arinc653_schedule_get(xc, 0, &s);
    } while (result == 0 && s.sched_entries[0].runtime != 5000000); /* with the next frame */
    check("schedule_in_force", result == 0);
    check("no_such_schedule", xc_sched_arinc653_schedule_get(xc, 1, &s) == -1 && errno == EINVAL);
}

static void test_console(void)
{
    static char text[16384];
    unsigned count = sizeof(text) - 1;
    uint32_t index = 0;

    check("console",
          xc_readconsolering(xc, text, &count, 0, 0, &index) == 0 && count > 0 && strstr(text, "bulkhead") != NULL);
}

int main(int count, char **words)
{
    xc = xc_interface_open(NULL, NULL, 0);
    memory = xenforeignmemory_open(NULL, 0);
    if (count != 4 || xc == NULL || memory == NULL) {
        perror("xenctrl: does not open");
        return 1;
    }
    own = (uint32_t)atoi(words[1]);
    safe = (uint32_t)atoi(words[2]);
    ordinary = (uint32_t)atoi(words[3]);
    test_platform();
    test_list();
    test_pause();
    test_protected();
    test_map();
    test_resource();
    test_schedule();
    test_console();
    printf("DONE %u passed, %u failed\n", passed, failed);
    return (failed == 0) ? 0 : 1;
}
