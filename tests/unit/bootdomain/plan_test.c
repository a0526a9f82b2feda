/* SPDX-License-Identifier: Apache-2.0 */
/* Every description in accepted/ is read, every one in refused/ is not, and each says exactly its "// say:" lines.
 * [utest->dsn~boot-plan~1] [utest->dsn~boot-messages~1] [utest->dsn~boot-order~1] */
#include "said.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim.h"
#include "plan.h"
#include "range.h"
#include "tree.h"

#define MAX_CASES 256
#define MIB       UINT64_C(0x100000)

/* Two pages: the partial tree lies in the last one of the ramdisk. */
static const uint8_t kernel_bytes[4096] __attribute__((aligned(4096))) = "a kernel";
static const uint8_t ramdisk_bytes[8192] __attribute__((aligned(4096))) = "a ramdisk";

static const struct archive archive = {.count = 4,
                                       .members = {{"kernel", kernel_bytes, sizeof(kernel_bytes)},
                                                   {"ramdisk", ramdisk_bytes, 5000},
                                                   {"partial.dtb", &ramdisk_bytes[6000], 100},
                                                   {"empty", kernel_bytes, 0}}};

static const struct board_table board = {
    .magic = BOARD_MAGIC,
    .version = BOARD_VERSION,
    .name = "test-board",
    .cpu_count = 4,
    .gic_spis = 256,
    .ram_count = 1,
    .mpidr = {0, 1, 2, 0x100},
    .ram = {{0x40000000, 1024 * MIB}},
};

static const struct board_range taken[] = {{0x40200000, 24 * MIB}};

/* A device tree, compiled from its source; freed by the caller. */
static void *compile(const char *path, uint64_t *size)
{
    char command[512];
    uint8_t *tree = malloc(1 << 20);

    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb '%s'", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    *size = fread(tree, 1, 1 << 20, pipe);
    assert_int_equal(pclose(pipe), 0);
    return tree;
}

/* The "// say:" lines of a source. */
static void read_expected(const char *path, char *expected, size_t size)
{
    char line[1024];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    expected[0] = '\0';
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "// say: ", 8) == 0) {
            strncat(expected, &line[8], size - strlen(expected) - 1);
        }
    }
    fclose(file);
}

static struct plan plan; /* points into last_tree */
static void *last_tree;

/* A tree whose name begins with "host-" is a host's: there is no archive then. */
static bool read_file(const char *folder, const char *name)
{
    char path[512];
    uint64_t size;

    snprintf(path, sizeof(path), "%s/%s/%s", TEST_FOLDER, folder, name);
    free(last_tree);
    last_tree = compile(path, &size);
    struct plan_context context = {.fdt = last_tree,
                                   .archive = (strncmp(name, "host-", 5) == 0) ? NULL : &archive,
                                   .board = &board,
                                   .taken = taken,
                                   .taken_count = 1};
    said_clear();
    bool result = tree_get(last_tree, size, "launch.dtb", NULL, 0) != NULL && plan_read(&plan, &context);
    char expected[8192];
    read_expected(path, expected, sizeof(expected));
    if (strcmp(said(), expected) != 0) {
        print_message("%s/%s says:\n%s", folder, name, said());
    }
    assert_string_equal(said(), expected);
    return result;
}

static void refuses(void **state)
{
    assert_false(read_file("refused", *state));
}

static void accepts(void **state)
{
    assert_true(read_file("accepted", *state));
}

static void reads_all_of_a_domain(void **state)
{
    (void)state;
    assert_true(read_file("accepted", "all-keys.dts"));
    const struct plan_domain *brake = &plan.domains[0];
    const struct plan_domain *linux_a = &plan.domains[1];
    assert_int_equal(plan.count, 3);
    assert_true(plan.halt_on_failure);
    assert_true(plan.power_at_once);
    assert_string_equal(brake->name, "brake");
    assert_int_equal(brake->role, BULKHEAD_ROLE_CONTROL);
    assert_int_equal(brake->flags, BULKHEAD_DOMAIN_SAFE | BULKHEAD_DOMAIN_VPL011 | BULKHEAD_DOMAIN_ARGO);
    assert_int_equal(brake->memory, 8 * MIB);
    assert_int_equal(brake->vcpus, 1);
    assert_int_equal(brake->spis, 1);
    assert_true(brake->keep_modules);
    assert_true(brake->verify);
    assert_false(linux_a->verify);
    assert_string_equal(brake->modules[PLAN_KERNEL].name, "kernel");
    assert_ptr_equal(brake->modules[PLAN_KERNEL].data, kernel_bytes);
    assert_string_equal(brake->bootargs, "period=1000");
    assert_int_equal(plan.affinity[brake->first_vcpu], 0x1);
    assert_string_equal(linux_a->name, "linux-a");
    assert_int_equal(linux_a->flags, 0);
    assert_int_equal(linux_a->spis, 40);
    assert_int_equal(linux_a->grant_frames, 32);
    assert_int_equal(linux_a->maptrack_frames, 100);
    assert_int_equal(linux_a->paging, 4 * MIB);
    assert_false(linux_a->xen_node);
    assert_int_equal(plan.affinity[linux_a->first_vcpu], 0xc);
    assert_int_equal(plan.affinity[linux_a->first_vcpu + 1], 0x8);
    assert_true(linux_a->modules[PLAN_KERNEL].shared);
    assert_false(linux_a->modules[PLAN_RAMDISK].shared);
    const struct plan_domain *fixed = &plan.domains[2];
    assert_int_equal(fixed->flags, BULKHEAD_DOMAIN_DIRECT);
    assert_int_equal(fixed->role, BULKHEAD_ROLE_HARDWARE);
    assert_int_equal(fixed->fixed_count, 2);
    assert_int_equal(fixed->fixed[1].base, 0x58000000);
    assert_int_equal(fixed->fixed[1].size, 16 * MIB);
}

static void others_run_where_no_safe_domain_does(void **state)
{
    (void)state;
    assert_true(read_file("accepted", "safe-cpus.dts"));
    assert_int_equal(plan.affinity[plan.domains[0].first_vcpu], 0x2);
    assert_int_equal(plan.affinity[plan.domains[1].first_vcpu], 0xd);
    assert_int_equal(plan.affinity[plan.domains[1].first_vcpu + 1], 0x4);
}

/* [utest->dsn~boot-pools~1] [utest->dsn~boot-time-rules~1] */
static void pools_partitions_and_budgets_are_read(void **state)
{
    (void)state;
    assert_true(read_file("accepted", "pools.dts"));
    const struct plan_pool *flight = &plan.pools[0];
    assert_int_equal(plan.pool_count, 2);
    assert_string_equal(flight->name, "flight");
    assert_int_equal(flight->policy, BULKHEAD_POLICY_ARINC653);
    assert_int_equal(flight->cpus, 0x6);
    assert_int_equal(flight->guard, 20000);
    assert_int_equal(flight->count[0], 3);
    assert_int_equal(flight->count[1], 1);
    assert_int_equal(plan.windows[flight->first[0] + 2].end, 10000000);
    assert_int_equal(plan.windows[flight->first[0] + 2].partition, 2);
    assert_int_equal(plan.windows[flight->first[1]].end, 5000000);
    assert_int_equal(plan.pools[1].policy, BULKHEAD_POLICY_RTDS);
    assert_int_equal(BULKHEAD_DOMAIN_PARTITION_OF(plan.domains[0].flags), 1);
    assert_int_equal(plan.affinity[plan.domains[0].first_vcpu + 1], 0x6);
    assert_int_equal(plan.domains[2].pool, 1);
    assert_int_equal(plan.domains[4].period, 3000);
    assert_int_equal(plan.domains[4].budget, 1500);
    assert_true(plan.domains[4].extra_time);
    assert_int_equal(plan.affinity[plan.domains[5].first_vcpu], 0x1); /* what is left */
}

static void a_module_in_the_last_page_of_another_keeps_it_from_moving(void **state)
{
    (void)state;
    assert_true(read_file("accepted", "shared-page.dts"));
    assert_true(plan.domains[0].modules[PLAN_RAMDISK].shared);
    assert_true(plan.domains[0].modules[PLAN_DEVICE_TREE].shared);
    assert_false(plan.domains[0].modules[PLAN_KERNEL].shared);
    assert_int_equal(plan.domains[0].spis, 256); /* its devices keep their numbers */
}

static void starts_after_what_it_names_and_safe_ones_first(void **state)
{
    (void)state;
    assert_true(read_file("accepted", "order.dts"));
    static const char *const order[] = {"safe-free", "store", "first-plain", "safe-late", "second-plain"};
    assert_int_equal(plan.count, 5);
    for (uint32_t i = 0; i < plan.count; i++) {
        assert_string_equal(plan.domains[plan.order[i]].name, order[i]);
    }
}

/* [utest->dsn~boot-dynamic~1] */
static void reads_the_room_for_domains_of_later(void **state)
{
    (void)state;
    assert_true(read_file("accepted", "dynamic.dts"));
    assert_int_equal(plan.dynamic.memory, 0x100000400);
    assert_int_equal(plan.dynamic.domains, 127);
    assert_int_equal(plan.dynamic.vcpus, 9);
    assert_int_equal(plan.dynamic.first, 2);
    assert_int_equal(plan.dynamic.cpus, 0xd);
    assert_true(read_file("accepted", "order.dts"));
    assert_int_equal(plan.dynamic.memory, 0);
    assert_int_equal(plan.dynamic.domains, 0);
    assert_int_equal(plan.dynamic.cpus, UINT64_MAX);
}

static void refuses_a_truncated_tree(void **state)
{
    uint64_t size;
    void *tree = compile(TEST_FOLDER "/accepted/order.dts", &size);

    (void)state;
    for (uint64_t cut = 0; cut < size; cut += 1) {
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, tree, cut);
        said_clear();
        assert_null(tree_get(exact, cut, "launch.dtb", NULL, 0));
        free(exact);
    }
    said_clear();
    assert_null(tree_get(tree, size - 1, "launch.dtb", NULL, 0));
    assert_said("boot: launch.dtb: not a whole device tree (FDT_ERR_TRUNCATED); build it again with dtc");
    said_clear();
    memset(tree, 0, 4);
    assert_null(tree_get(tree, size, "launch.dtb", NULL, 0));
    assert_said("boot: launch.dtb: not a whole device tree (FDT_ERR_BADMAGIC); build it again with dtc");
    said_clear();
    assert_null(tree_get(tree, UINT64_C(1) << 40, "launch.dtb", NULL, 0));
    assert_said("boot: launch.dtb: not a whole device tree (FDT_ERR_TRUNCATED); build it again with dtc");
    free(tree);
}

/* [utest->dsn~boot-channels~1] */
static void reads_channels_in_the_order_of_their_ports(void **state)
{
    (void)state;
    assert_true(read_file("accepted", "channels.dts"));
    assert_int_equal(plan.channel_count, 4);
    const struct plan_channel *end = plan_next_channel(&plan, 0, 0);
    assert_int_equal(end->port, 3);
    assert_int_equal(end->remote, 1);
    assert_int_equal(end->remote_port, 1023);
    assert_int_equal(end->min_interval, 0);
    end = plan_next_channel(&plan, 0, 3);
    assert_int_equal(end->port, 5);
    assert_int_equal(end->remote_port, 7);
    assert_int_equal(end->min_interval, 1500000);
    assert_null(plan_next_channel(&plan, 0, 5));
    end = plan_next_channel(&plan, 1, 7);
    assert_int_equal(end->port, 1023);
    assert_int_equal(end->remote, 0);
}

/* [utest->dsn~boot-shared-memory~1] [utest->dsn~boot-claim~1] */
static void reads_and_places_shared_memory(void **state)
{
    static struct ranges free_ram;
    static struct ranges in_use;

    (void)state;
    assert_true(read_file("accepted", "channels.dts"));
    assert_int_equal(plan.share_count, 2);
    assert_string_equal(plan.shares[0].id, "frames");
    assert_int_equal(plan.shares[0].machine.base, 0x60000000);
    assert_int_equal(plan.shares[0].machine.size, 0x4000);
    assert_true(plan.shares[0].has_owner);
    assert_false(plan.shares[1].is_placed);
    assert_false(plan.shares[1].has_owner);
    assert_int_equal(plan.use_count, 4);
    assert_int_equal(plan.uses[0].guest, 0x20000000);
    assert_false(plan.uses[0].is_read_only);
    assert_int_equal(plan.uses[2].guest, 0x28000000);
    assert_true(plan.uses[2].is_read_only);
    assert_int_equal(plan.uses[2].domain, 1);
    ranges_clear(&in_use);
    ranges_add(&in_use, 0x7ffff000, 0x1000);
    assert_true(claim_find(&free_ram, &board, &in_use, &plan));
    assert_true(claim_place_shares(&free_ram, &plan));
    assert_int_equal(plan.shares[1].machine.base, 0x7fc00000); /* the highest aligned place */
    for (uint32_t i = 0; i < free_ram.count; i++) {
        assert_false(range_overlaps(&free_ram.range[i], &plan.shares[0].machine));
        assert_false(range_overlaps(&free_ram.range[i], &plan.shares[1].machine));
    }
    plan.shares[1].is_placed = false;
    plan.shares[1].machine.size = 1024 * MIB;
    said_clear();
    assert_false(claim_place_shares(&free_ram, &plan));
    assert_said("boot: shared memory 'to-b': no 1048576 KiB in a row are free; give the domains less memory");
}

static void copies_a_tree_that_is_not_aligned(void **state)
{
    static uint64_t room[1024];
    uint64_t size;
    uint8_t *tree = compile(TEST_FOLDER "/accepted/order.dts", &size);

    (void)state;
    memmove(tree + 4, tree, size);
    said_clear();
    assert_ptr_equal(tree_get(tree + 4, size, "launch.dtb", room, sizeof(room)), room);
    assert_said_nothing();
    assert_null(tree_get(tree + 4, size, "launch.dtb", room, size - 1));
    assert_non_null(strstr(said(), "boot: launch.dtb: a device tree of "));
    free(tree);
}

static struct CMUnitTest tests[MAX_CASES];
static size_t test_count;
static struct dirent **entries[2]; /* names stay in use until the end */

static void add(const char *name, CMUnitTestFunction run, char *state)
{
    tests[test_count] = (struct CMUnitTest){.name = name, .test_func = run, .initial_state = state};
    test_count++;
}

static void add_folder(const char *folder, CMUnitTestFunction run, struct dirent ***list)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", TEST_FOLDER, folder);
    int count = scandir(path, list, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (strstr((*list)[i]->d_name, ".dts") != NULL && test_count < MAX_CASES - 8) {
            add((*list)[i]->d_name, run, (*list)[i]->d_name);
        }
    }
}

int main(void)
{
    add_folder("refused", refuses, &entries[0]);
    add_folder("accepted", accepts, &entries[1]);
    add("reads all of a domain", reads_all_of_a_domain, NULL);
    add("pools, partitions and budgets are read", pools_partitions_and_budgets_are_read, NULL);
    add("others run where no safe domain does", others_run_where_no_safe_domain_does, NULL);
    add("a module in the last page of another keeps it from moving",
        a_module_in_the_last_page_of_another_keeps_it_from_moving, NULL);
    add("starts after what it names and safe ones first", starts_after_what_it_names_and_safe_ones_first, NULL);
    add("reads the room for domains of later", reads_the_room_for_domains_of_later, NULL);
    add("reads channels in the order of their ports", reads_channels_in_the_order_of_their_ports, NULL);
    add("reads and places shared memory", reads_and_places_shared_memory, NULL);
    add("copies a tree that is not aligned", copies_a_tree_that_is_not_aligned, NULL);
    add("refuses a truncated tree", refuses_a_truncated_tree, NULL);
    int failed = _cmocka_run_group_tests("plan", tests, test_count, NULL, NULL);
    free(last_tree);
    return failed;
}
