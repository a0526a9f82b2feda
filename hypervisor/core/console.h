/* SPDX-License-Identifier: Apache-2.0 */
/* One console device for the hypervisor and all domains.
 * Output: a ring.  A domain's complete lines come with the prefix "(name) "; the one that has the input focus is shown as
 * it writes.  No domain may have more than CONSOLE_QUOTA bytes waiting, so a flood loses its own bytes, which are
 * counted and told.  Input: Ctrl-A three times moves it from the hypervisor to the domains in turn; the last lines of the
 * one that gets it are shown again.
 * [impl->dsn~console~1] [impl->dsn~console-focus~1] [impl->dsn~console-flood~1] [impl->dsn~console-apart~1]
 * [impl->dsn~console-scroll-back~1] [impl->dsn~console-stamps~1] */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "core/domain.h"
#include "lib/types.h"

#define CONSOLE_RING  32768u
#define CONSOLE_QUOTA 4096u

/* Once, by the boot CPU: the input is the hypervisor's, output leaves on cpu.  What was printed before stays. */
void console_init(uint32_t cpu);
/* A kick has arrived: send, if somebody asked this CPU to.  Bound: one piece. */
void console_serve(void);
/* A line of the hypervisor, without newline.  Any CPU. */
void console_line(const char *text, size_t n);
/* Characters of d: complete lines are shown, or all at once when d has the focus.  Any CPU.  The lock of all domains is taken
 * once a line, not for what waits for the line's end.  Bound: n characters, and a wait for the lock for each newline. */
void console_write(struct domain *d, const char *text, size_t n);
/* Characters typed for d, for CONSOLEIO_read: returns how many, at most n. */
size_t console_take(struct domain *d, char *to, size_t n);
/* bulkhead_op CONSOLE.  arg: guest virtual address of its structure. */
err_t bulkhead_console(struct vcpu *v, struct domain *d, void *structure);
/* What was said and is still in the ring, from *index (modulo 2^32; moved on) or from the oldest byte that is left; clear:
 * nobody reads it again.  Returns how many bytes, at most n. */
size_t console_history(uint32_t *index, char *to, size_t n, bool clear);
/* Lines begin with the time since reset from now on, or no more. */
void console_stamps(void);
/* BULKHEAD_OP_FOCUS: what is typed goes to d, whose last lines are shown again.  -ESRCH it is being taken apart. */
err_t console_focus(struct vcpu *v, struct domain *d, void *structure) MUST_CHECK;
/* d is going: what it said last is shown, the focus leaves it. */
void console_forget(struct domain *d);
/* The machine dies: everything that waits, then text, straight to the device, without lock. */
void console_panic(const char *text, size_t n);
/* The machine goes in order: the same while other CPUs may still write.  Bound: CONSOLE_RING characters at the device's pace. */
void console_last(const char *text, size_t n);
/* Bytes that were not shown so far, of all domains and the hypervisor. */
uint64_t console_lost(void);

/* The last whole lines of d, oldest first, NUL-terminated, at most n - 1 bytes. */
void console_tail(struct domain *d, char *to, size_t n);

#endif
