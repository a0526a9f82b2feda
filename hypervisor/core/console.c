/* SPDX-License-Identifier: Apache-2.0 */
#include "core/console.h"
#include "core/console_ring.h"
#include "core/evtchn.h"
#include "core/status.h"
#include "core/upcall.h"
#include "core/wallclock.h"
#include "lib/string.h"

#include <xen/xen.h>

#define CTRL_A       '\x01'
#define SWITCH_COUNT 3u
#define LINE_ROOM    320u
#define SEND_PIECE   112u /* bytes to the device with the lock held */

static struct spinlock lock;   /* rank 7 */
static struct domain *focus;   /* written under lock, read anywhere: who gets input; NULL = the hypervisor */
static struct domain *partial; /* guarded by lock: whose unfinished line is on the screen; NULL or focus */
static uint32_t switches;      /* cpu-local to the console's CPU: Ctrl-A in a row */
static uint32_t home;          /* const after init: the CPU that takes the device's interrupt */
static bool asked;             /* guarded by lock: home has been asked to send */
static bool stamps;            /* guarded by lock: lines begin with the time since reset */

void console_init(uint32_t cpu)
{
    home = cpu;
    asked = false;
    focus = NULL;
    partial = NULL;
    switches = 0;
    stamps = false;
}

void console_stamps(void)
{
    spin_lock(&lock);
    stamps = !stamps;
    spin_unlock(&lock);
}

/* ---- output ---- */

/* What waits leaves on one CPU only, in pieces: no other CPU waits for the device, nor long for the lock. */
static bool is_sender(void)
{
    return this_cpu()->id == home || !cpu_is_usable(home);
}

static void send(void)
{
    bool here = is_sender();
    bool more = here && console_ring_drain(SEND_PIECE);

    if ((!here || more) && !asked) {
        asked = true;
        arch_cpu_kick(here ? this_cpu()->id : home);
    }
}

void console_serve(void)
{
    if (__atomic_load_n(&asked, __ATOMIC_RELAXED) && is_sender()) {
        upcall_console_ready();
    }
}

static uint32_t owner_of(const struct domain *d)
{
    return (d != NULL) ? d->slot : CONSOLE_SELF;
}

/* "(name) ", behind seconds and microseconds where they are wanted */
static size_t prefix(const struct domain *d, char *buf, size_t size)
{
    size_t n = 0;

    if (stamps) {
        uint64_t us = ticks_to_ns(arch_ticks()) / 1000u;
        n = format_string(buf, size, "[%5lu.%06lu] ", (unsigned long)(us / 1000000u), (unsigned long)(us % 1000000u));
    }
    return n + format_string(buf + n, size - n, "(%s) ", (d != NULL) ? d->name : "bulkhead");
}

static void put_line(const struct domain *d, const char *text, size_t n)
{
    char line[LINE_ROOM];
    uint64_t lost = console_ring_lost(owner_of(d));
    size_t used;

    if (lost != 0u) {
        used = prefix(d, line, sizeof(line));
        used += format_string(line + used, sizeof(line) - used, "*** %lu bytes lost ***\r\n", (unsigned long)lost);
        if (console_ring_put(owner_of(d), line, used)) {
            console_ring_told(owner_of(d), lost);
        }
    }
    used = prefix(d, line, sizeof(line));
    memcpy(line + used, text, n);
    used += n;
    line[used] = '\r';
    line[used + 1u] = '\n';
    (void)console_ring_put(owner_of(d), line, used + 2u);
}

/* A whole line of d (NULL: ours), around the unfinished line of the domain in focus. */
static void show_line(const struct domain *d, const char *text, size_t n)
{
    char line[LINE_ROOM];
    size_t used;

    if (partial != NULL) {
        (void)console_ring_put(owner_of(d), "\r\n", 2);
    }
    put_line(d, text, n);
    if (partial != NULL) {
        used = prefix(partial, line, sizeof(line));
        memcpy(line + used, partial->line.text, partial->line.used);
        (void)console_ring_put(owner_of(d), line, used + partial->line.used);
    }
    send();
}

void console_line(const char *text, size_t n)
{
    while (n > 0u && text[n - 1u] == '\n') {
        n--;
    }
    spin_lock(&lock);
    show_line(NULL, text, n);
    spin_unlock(&lock);
}

/* d's line is whole: it is kept for a crash record. */
static void keep(struct console_line *l)
{
    uint32_t at = l->kept % sizeof(l->tail);
    uint32_t straight = (uint32_t)sizeof(l->tail) - at;

    straight = (l->used < straight) ? l->used : straight;
    memcpy(&l->tail[at], l->text, straight);
    memcpy(l->tail, &l->text[straight], l->used - straight);
    l->kept += l->used;
    l->tail[l->kept % sizeof(l->tail)] = '\n';
    l->kept++;
}

void console_tail(struct domain *d, char *to, size_t n)
{
    struct console_line *l = &d->line;
    uint32_t have, at, straight;

    spin_lock(&l->lock);
    have = (l->kept < sizeof(l->tail)) ? l->kept : (uint32_t)sizeof(l->tail);
    have = (have < n - 1u) ? have : (uint32_t)n - 1u;
    at = (l->kept - have) % sizeof(l->tail);
    straight = (uint32_t)sizeof(l->tail) - at;
    straight = (have < straight) ? have : straight;
    memcpy(to, &l->tail[at], straight);
    memcpy(&to[straight], l->tail, have - straight);
    to[have] = '\0';
    spin_unlock(&l->lock);
}

/* The lines of d that are kept, once more, without a time; where older ones are gone that is said. */
static void show_back(struct domain *d)
{
    struct console_line *l = &d->line;
    char line[sizeof(l->text)];
    uint32_t gone, used = 0;
    bool stamped;

    spin_lock(&l->lock);
    gone = (l->kept > sizeof(l->tail)) ? l->kept - (uint32_t)sizeof(l->tail) : 0u;
    spin_lock(&lock);
    stamped = stamps;
    stamps = false;
    if (gone != 0u) {
        show_line(d, line,
                  format_string(line, sizeof(line), "*** %lu bytes before this are gone ***", (unsigned long)gone));
    }
    for (uint32_t i = gone; i != l->kept; i++) { /* bound: sizeof(l->tail) */
        char c = l->tail[i % sizeof(l->tail)];

        if (c == '\n' || used == sizeof(line)) {
            show_line(d, line, used);
            used = 0;
        }
        if (c != '\n') {
            line[used] = c;
            used++;
        }
    }
    stamps = stamped;
    spin_unlock(&lock);
    spin_unlock(&l->lock);
}

static void finish_line(struct domain *d) REQUIRES(d->line.lock)
{
    spin_lock(&lock);
    show_line(d, d->line.text, d->line.used);
    spin_unlock(&lock);
    keep(&d->line);
    d->line.used = 0;
}

static void put_unfocused(struct domain *d, char c) REQUIRES(d->line.lock)
{
    struct console_line *l = &d->line;

    if (c == '\n') {
        finish_line(d);
        return;
    }
    if ((c >= 0 && c < ' ' && c != '\t') || c == 127) {
        return; /* nothing that moves the cursor */
    }
    if (l->used == sizeof(l->text)) {
        finish_line(d);
    }
    l->text[l->used] = c;
    l->used++;
}

static void put_focused(struct domain *d, char c) REQUIRES(d->line.lock)
{
    struct console_line *l = &d->line;

    if (partial == NULL) {
        char text[LINE_ROOM];
        size_t n = prefix(d, text, sizeof(text));

        (void)console_ring_put(d->slot, text, n);
        (void)console_ring_put(d->slot, l->text, l->used);
        partial = d;
    }
    if (c == '\n') {
        (void)console_ring_put(d->slot, "\r\n", 2);
        keep(l);
        l->used = 0;
        partial = NULL;
    } else {
        (void)console_ring_put(d->slot, &c, 1);
        if (c != '\r' && l->used < sizeof(l->text)) {
            l->text[l->used] = c;
            l->used++;
        }
    }
}

/* If d has the focus: its next line, or what is there of it, as it is written.  How much that was. */
static size_t show_part(struct domain *d, const char *text, size_t n) REQUIRES(d->line.lock)
{
    size_t i = 0;

    spin_lock(&lock);
    while (focus == d && i < n && (i == 0u || text[i - 1u] != '\n')) {
        put_focused(d, text[i]);
        i++;
    }
    send();
    spin_unlock(&lock);
    return i;
}

void console_write(struct domain *d, const char *text, size_t n)
{
    size_t done = 0;

    spin_lock(&d->line.lock);
    while (done < n) {
        size_t shown = (__atomic_load_n(&focus, __ATOMIC_ACQUIRE) == d) ? show_part(d, text + done, n - done) : 0u;

        if (shown == 0u) { /* it may get the focus now: what is kept of the line is shown with the next part */
            put_unfocused(d, text[done]);
            shown = 1;
        }
        done += shown;
    }
    spin_unlock(&d->line.lock);
}

void upcall_console_output(struct domain *d, char c)
{
    console_write(d, &c, 1);
}

void upcall_console_ready(void)
{
    spin_lock(&lock);
    asked = false;
    send();
    spin_unlock(&lock);
}

void console_panic(const char *text, size_t n)
{
    console_ring_flush();
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n') {
            arch_console_write_sync("\r", 1);
        }
        arch_console_write_sync(&text[i], 1);
    }
}

void console_last(const char *text, size_t n)
{
    spin_lock(&lock);
    console_panic(text, n);
    spin_unlock(&lock);
}

size_t console_history(uint32_t *index, char *to, size_t n, bool clear)
{
    return LOCKED(&lock, console_ring_history(index, to, n, clear));
}

uint64_t console_lost(void)
{
    return LOCKED(&lock, console_ring_lost_total());
}

/* ---- input ---- */

/* The next domain behind the one in focus, then the hypervisor. */
static struct domain *next_focus(void)
{
    uint32_t from = (focus != NULL) ? focus->slot + 1u : 0u;

    for (uint32_t s = from; s < MAX_DOMAINS; s++) {
        struct domain *d = domain_get_slot(s);
        if (d != NULL) {
            bool usable = domain_state(d) != DOMAIN_DYING;
            domain_put(d); /* console_forget comes before it is freed */
            if (usable) {
                return d;
            }
        }
    }
    return NULL;
}

static void set_focus(struct domain *d) REQUIRES(lock)
{
    char text[LINE_ROOM];
    size_t n;

    if (partial != NULL) {
        (void)console_ring_put(CONSOLE_SELF, "\r\n", 2);
        partial = NULL;
    }
    __atomic_store_n(&focus, d, __ATOMIC_RELEASE);
    n = format_string(text, sizeof(text), "*** Serial input to %s (type 'CTRL-a' three times to switch input)",
                      (d != NULL) ? d->name : "the hypervisor ('h' for help)");
    show_line(NULL, text, n);
}

err_t console_focus(struct vcpu *v UNUSED, struct domain *d, void *structure UNUSED)
{
    err_t err = ERR_SRCH;

    spin_lock(&lock);
    if (domain_state(d) != DOMAIN_DYING) { /* console_forget() is still to come otherwise */
        set_focus(d);
        err = OK;
    }
    spin_unlock(&lock);
    if (err == OK) {
        show_back(d);
    }
    return err;
}

static void switch_focus(void)
{
    struct domain *d;

    spin_lock(&lock);
    set_focus(next_focus());
    d = (focus != NULL) ? domain_get_slot(focus->slot) : NULL;
    spin_unlock(&lock);
    if (d != NULL) {
        show_back(d);
        domain_put(d);
    }
}

static bool has_uart(const struct domain *d)
{
    return (d->flags & BULKHEAD_DOMAIN_VPL011) != 0u;
}

/* One character to the domain in focus, or a command to the hypervisor. */
static void deliver(char c)
{
    struct domain *d;

    spin_lock(&lock);
    d = focus;
    if (d != NULL && !has_uart(d) && d->input_head - d->input_tail < sizeof(d->input)) {
        d->input[d->input_head % sizeof(d->input)] = c;
        d->input_head++;
    }
    d = (d != NULL) ? domain_get_slot(d->slot) : NULL;
    spin_unlock(&lock);
    if (d == NULL) {
        status_key(c);
        return;
    }
    if (has_uart(d)) {
        (void)arch_vuart_receive(d, c); /* a full queue is counted there */
    } else {
        evtchn_tell_holder(d, BULKHEAD_RIGHT_CONSOLE, VIRQ_CONSOLE); /* who serves it */
    }
    domain_put(d);
}

void upcall_console_input(char c)
{
    if (c == CTRL_A) {
        switches++;
        if (switches == SWITCH_COUNT) {
            switches = 0;
            switch_focus();
        }
        return;
    }
    for (; switches > 0u; switches--) { /* it was not meant for us */
        deliver(CTRL_A);
    }
    deliver(c);
}

size_t console_take(struct domain *d, char *to, size_t n)
{
    size_t done = 0;

    spin_lock(&lock);
    while (done < n && d->input_tail != d->input_head) {
        to[done] = d->input[d->input_tail % sizeof(d->input)];
        d->input_tail++;
        done++;
    }
    spin_unlock(&lock);
    return done;
}

void console_forget(struct domain *d)
{
    spin_lock(&d->line.lock);
    spin_lock(&lock);
    if (partial == d) {
        partial = NULL;
        (void)console_ring_put(CONSOLE_SELF, "\r\n", 2);
        d->line.used = 0;
    }
    if (focus == d) {
        __atomic_store_n(&focus, NULL, __ATOMIC_RELEASE);
    }
    spin_unlock(&lock);
    if (d->line.used > 0u) {
        finish_line(d);
    }
    spin_unlock(&d->line.lock);
}
