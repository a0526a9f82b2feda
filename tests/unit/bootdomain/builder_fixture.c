/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <xen/xen.h>
#include <xen/errno.h>

#include "builder_fixture.h"
#include "model.h"

static const struct board_table board = {
    .cpu_count = 4, .ram_count = 1, .ram = {{0x40000000, 0x40000000}}, .gic_spis = 64};
struct plan plan;
struct builder builder;
uint8_t *kernel_file;
uint8_t *ramdisk_file;

uint8_t builder_pattern(uint64_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

void builder_fill(uint8_t *file, uint64_t size, uint64_t room)
{
    for (uint64_t i = 0; i < room; i++) {
        file[i] = (i < size) ? builder_pattern(i) : 0xcc;
    }
}

/* A device tree from its source; freed by the caller. */
uint8_t *builder_compile(const char *path, uint64_t *size)
{
    char command[512];
    uint8_t *tree = malloc(65536);

    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb '%s'", path);
    FILE *pipe = popen(command, "r");
    *size = fread(tree, 1, 65000, pipe);
    assert_int_equal(pclose(pipe), 0);
    return tree;
}

/* An arm64 Image, the bytes behind its header a pattern. */
static void make_kernel(void)
{
    uint64_t image_size = 4 * MIB;

    builder_fill(kernel_file, KERNEL_BYTES, 4 * MIB);
    memset(kernel_file, 0, 64);
    memcpy(&kernel_file[16], &image_size, 8);
    memcpy(&kernel_file[56], "ARM\x64", 4);
}

struct plan_domain *builder_add(const char *name)
{
    struct plan_domain *domain = &plan.domains[plan.count];

    plan.order[plan.count] = (uint16_t)plan.count;
    plan.count++;
    strcpy(domain->name, name);
    domain->memory = 16 * MIB;
    domain->vcpus = 1;
    domain->first_vcpu = plan.vcpu_count;
    plan.vcpu_count++;
    domain->xen_node = true;
    strcpy(domain->modules[PLAN_KERNEL].name, "kernel");
    domain->modules[PLAN_KERNEL].data = kernel_file;
    domain->modules[PLAN_KERNEL].size = KERNEL_BYTES;
    return domain;
}

void builder_add_ramdisk(struct plan_domain *domain)
{
    strcpy(domain->modules[PLAN_RAMDISK].name, "ramdisk");
    domain->modules[PLAN_RAMDISK].data = ramdisk_file;
    domain->modules[PLAN_RAMDISK].size = RAMDISK_BYTES;
}

int builder_start(void **state)
{
    (void)state;
    kernel_file = aligned_alloc(2 * MIB, 4 * MIB);
    ramdisk_file = aligned_alloc(2 * MIB, 2 * MIB);
    make_kernel();
    builder_fill(ramdisk_file, RAMDISK_BYTES, 2 * MIB);
    memset(&plan, 0, sizeof(plan));
    model_reset();
    said_clear();
    builder_init(&builder, &plan, &board);
    return 0;
}

int builder_stop(void **state)
{
    (void)state;
    model_reset();
    free(kernel_file);
    free(ramdisk_file);
    return 0;
}

void builder_run_all(void)
{
    builder_create_control(&builder);
    for (uint32_t i = 0; i < plan.count; i++) {
        builder_run(&builder, i);
    }
}

void assert_file_at(uint16_t domid, uint64_t gaddr, uint64_t bytes, uint64_t skip)
{
    uint8_t *got = malloc(bytes);

    model_read(domid, gaddr, got, bytes);
    bool is_same = true;
    for (uint64_t i = skip; i < bytes; i++) {
        is_same = is_same && got[i] == builder_pattern(i);
    }
    assert_true(is_same);
    free(got);
}

void assert_zero_at(uint16_t domid, uint64_t gaddr, uint64_t bytes)
{
    uint8_t *got = malloc(bytes);

    model_read(domid, gaddr, got, bytes);
    bool is_zero = true;
    for (uint64_t i = 0; i < bytes; i++) {
        is_zero = is_zero && got[i] == 0;
    }
    assert_true(is_zero);
    free(got);
}

void assert_whole_domain(uint16_t domid)
{
    uint8_t fdt[8192];

    assert_true(model_domains[domid].is_running);
    assert_int_equal(model_domains[domid].pc, 0x40000000);
    assert_file_at(domid, 0x40000000, KERNEL_BYTES, 64);
    assert_zero_at(domid, 0x40000000 + KERNEL_BYTES, MIB - 123);
    model_read(domid, model_domains[domid].x0, fdt, sizeof(fdt));
    assert_int_equal(fdt_check_full(fdt, sizeof(fdt)), 0);
    assert_int_equal(model_pages(domid) * PAGE, model_domains[domid].max_memory);
}
