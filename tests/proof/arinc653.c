/* SPDX-License-Identifier: Apache-2.0 */
/* Frama-C proves of hypervisor/sched/arinc653.c, for every schedule that sched_set_schedule() lets pass and every moment: both
 * functions end, read within their arguments, overflow nowhere, and answer what is written here.  The windows of a schedule are then
 * a partition of time: each moment is in one, and where it ends the next one starts.
 * [utest->dsn~arinc653-window~1] */
#include "sched/pools.h"

#define SCHED_POLICY_H /* the declarations of what is proved stand here, with their contracts */

/*@ predicate laid_out(struct sched_schedule *s) =
      \valid_read(s) && 1 <= s->count <= BULKHEAD_WINDOWS && 0 < s->window[s->count - 1].end &&
      \forall integer i, j; 0 <= i < j < s->count ==> s->window[i].end < s->window[j].end;

    logic integer major(struct sched_schedule *s) = s->window[s->count - 1].end;

    predicate window_at(struct sched_schedule *s, integer frame, struct sched_place p, integer i) =
      0 <= i < s->count && p.partition == s->window[i].partition &&
      p.start == frame + (i == 0 ? 0 : s->window[i - 1].end) && p.end == frame + s->window[i].end;
*/

/*@ requires laid_out(s);
    terminates \true;
    exits \false;
    assigns \nothing;
    ensures \result == major(s) && \result > 0;
*/
static ticks_t major_frame(const struct sched_schedule *s);

/*@ requires laid_out(s) && epoch <= t && t + major(s) <= UINT64_MAX;
    terminates \true;
    exits \false;
    assigns \nothing;
    ensures \result.start <= t < \result.end;
    ensures \let offset = (t - epoch) % major(s); \forall integer i;
      0 <= i < s->count && (i == 0 || s->window[i - 1].end <= offset) && offset < s->window[i].end ==>
      window_at(s, t - offset, \result, i);
*/
struct sched_place arinc653_window(const struct sched_schedule *s, ticks_t epoch, ticks_t t);

/*@ requires laid_out(s) && epoch <= t && t + major(s) <= UINT64_MAX;
    terminates \true;
    exits \false;
    assigns \nothing;
    ensures t <= \result < t + major(s);
    ensures (\result - epoch) % major(s) == 0;
*/
ticks_t arinc653_frame(const struct sched_schedule *s, ticks_t epoch, ticks_t t);

#include "sched/arinc653.c"
