/* SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"
#include "core/console.h"
#include "core/frame.h"
#include "core/label.h"
#include "core/print.h"

#include <xen/sched.h>

#define MIB(frames) ((unsigned long)((frames) >> 8))

static const char *state_text(const struct domain *d)
{
    static const char *const text[] = {
        [DOMAIN_BUILDING] = "building",
        [DOMAIN_LIVE] = "running",
        [DOMAIN_SHUTDOWN] = "shut down",
        [DOMAIN_DYING] = "dying",
    };
    uint32_t state = domain_state(d);

    if (__atomic_load_n(&d->restarting, __ATOMIC_RELAXED) == RESTART_ON) {
        return "restarts";
    }
    if (state == DOMAIN_SHUTDOWN && d->shutdown_code == SHUTDOWN_crash) {
        return "crashed";
    }

    if (state == DOMAIN_LIVE && d->pause_count > 0u) {
        return "paused";
    }
    return text[state];
}

static const char *vcpu_text(const struct vcpu *v)
{
    static const char *const text[] = {[VCPU_DOWN] = "off", [VCPU_BLOCKED] = "idle", [VCPU_RUNNABLE] = "ready"};

    return text[__atomic_load_n(&v->state, __ATOMIC_RELAXED)];
}

static void show_domain(const struct domain *d)
{
    static const char *const role[] = {"", " hardware", " control"};
    char line[200];
    size_t n;

    print("%3u %-16s %-9s %4lu MiB, %lu KiB of tables, %lu restarts%s%s", (unsigned)d->id, d->name, state_text(d),
          MIB(__atomic_load_n(&d->frames, __ATOMIC_RELAXED)), (unsigned long)((d->overhead + d->pool_total) * 4u),
          (unsigned long)d->health.restarts, (d->flags & BULKHEAD_DOMAIN_SAFE) != 0u ? ", safe" : "",
          (d->role <= BULKHEAD_ROLE_CONTROL) ? role[d->role] : "");
    n = format_string(line, sizeof(line), "    vCPU");
    for (uint32_t i = 0; i < d->max_vcpus && n + 24u < sizeof(line); i++) {
        const struct vcpu *v = domain_vcpu(d, i);
        if (v != NULL) {
            n +=
                format_string(line + n, sizeof(line) - n, " %u@CPU%u %s", (unsigned)i, (unsigned)v->home, vcpu_text(v));
        }
    }
    print("%s", line);
}

static void show_all(void)
{
    print("%u CPUs, %lu MiB of RAM, %lu MiB free, %lu console bytes lost", (unsigned)cpu_count(),
          MIB(frame_total_count()), MIB(frame_free_count()), (unsigned long)console_lost());
    for (uint32_t s = 0; s < MAX_DOMAINS; s++) {
        struct domain *d = domain_get_slot(s);
        if (d != NULL) {
            show_domain(d);
            domain_put(d);
        }
    }
    label_show();
}

void status_key(char c)
{
    switch (c) {
    case 'd':
    case 'q':
        show_all();
        break;
    case 't':
        console_stamps();
        break;
    case 'h':
    case '?':
        print("keys: d or q  domains, CPUs, memory;  t  time of each line;  h  this help;  CTRL-a three times  input "
              "to the next domain");
        break;
    default:
        break;
    }
}
