/* SPDX-License-Identifier: Apache-2.0 */
/* What a person at the console can ask the hypervisor.
 * [impl->dsn~status-keys~1] */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

/* A key while the hypervisor has the input: 'd' or 'q' lists domains, 'h' helps; others do nothing. */
void status_key(char c);

#endif
