/* SPDX-License-Identifier: Apache-2.0 */
/* Which workaround against branch history injection a CPU model needs, by Arm's security bulletin on Spectre-BHB:
 * a loop of taken branches, a firmware call, or nothing.
 * [impl->dsn~branch-history~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/trap.h"
#include "core/upcall.h"

#define MIDR_MODEL(midr) ((uint32_t)((midr) & 0xff00fff0u)) /* implementer, part number */
#define ARM_PART(part)   (0x41000000u | ((part) << 4))

#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_WORKAROUND_1  0x80008000u
#define SMCCC_WORKAROUND_3  0x80003fffu

extern const char vectors_loop[], vectors_firmware[];

struct model {
    uint32_t midr;
    uint32_t turns; /* of the loop; 0 = the firmware does it */
};

static const struct model models[] = {
    {ARM_PART(0xd07u), 8},  /* Cortex-A57 */
    {ARM_PART(0xd08u), 8},  /* Cortex-A72 */
    {ARM_PART(0xd0bu), 24}, /* Cortex-A76 */
    {ARM_PART(0xd0cu), 24}, /* Neoverse N1 */
    {ARM_PART(0xd0du), 24}, /* Cortex-A77 */
    {ARM_PART(0xd0eu), 24}, /* Cortex-A76AE */
    {ARM_PART(0xd40u), 32}, /* Neoverse V1 */
    {ARM_PART(0xd41u), 32}, /* Cortex-A78 */
    {ARM_PART(0xd42u), 32}, /* Cortex-A78AE */
    {ARM_PART(0xd44u), 32}, /* Cortex-X1 */
    {ARM_PART(0xd47u), 32}, /* Cortex-A710 */
    {ARM_PART(0xd48u), 32}, /* Cortex-X2 */
    {ARM_PART(0xd49u), 32}, /* Neoverse N2 */
    {ARM_PART(0xd4bu), 32}, /* Cortex-A78C */
    {ARM_PART(0xd09u), 0},  /* Cortex-A73 */
    {ARM_PART(0xd0au), 0},  /* Cortex-A75 */
};

static uint64_t firmware_function(void)
{
    if ((int64_t)smccc_firmware(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_3, 0, 0) >= 0) {
        return SMCCC_WORKAROUND_3;
    }
    return ((int64_t)smccc_firmware(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_1, 0, 0) >= 0) ? SMCCC_WORKAROUND_1 : 0u;
}

void history_cpu_init(struct cpu *cpu)
{
    uint32_t midr = MIDR_MODEL(read_sysreg(midr_el1));

    for (uint32_t i = 0; i < ARRAY_SIZE(models); i++) {
        if (models[i].midr != midr) {
            continue;
        }
        cpu->arch.history = (models[i].turns != 0u) ? models[i].turns : firmware_function();
        if (cpu->arch.history != 0u) {
            write_sysreg(vbar_el2, (uint64_t)((models[i].turns != 0u) ? vectors_loop : vectors_firmware));
            isb();
        }
        return;
    }
}
