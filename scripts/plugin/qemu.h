/* SPDX-License-Identifier: Apache-2.0 */
/* What our QEMU TCG plugins use of the documented plugin interface, version 2 and later; QEMU ships the header only with
 * its sources. */
#ifndef PLUGIN_QEMU_H
#define PLUGIN_QEMU_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
struct qemu_plugin_register;
enum { CB_NO_REGS = 0, CB_R_REGS = 1 };
typedef struct {
    uint8_t *data;
    unsigned int len;
} bytes; /* GLib's GByteArray and GArray begin like this */
typedef struct {
    struct qemu_plugin_register *handle;
    const char *name;
    const char *feature;
} reg_descriptor;
typedef void (*cpu_cb)(qemu_plugin_id_t id, unsigned int cpu);
typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*udata_cb)(unsigned int cpu, void *userdata);
typedef void (*plain_cb)(qemu_plugin_id_t id, void *userdata);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, udata_cb cb, int flags, void *userdata);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, udata_cb cb, int flags, void *userdata);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, plain_cb cb, void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, cpu_cb cb);
/* QEMU 9 and later */
bytes *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(struct qemu_plugin_register *handle, bytes *to);
bytes *g_byte_array_new(void);
bytes *g_byte_array_set_size(bytes *array, unsigned int length);

extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

#endif
