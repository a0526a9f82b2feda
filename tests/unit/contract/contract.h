/* SPDX-License-Identifier: Apache-2.0 */
/* The architecture contract as tests that run where the hypervisor runs: on the model and on the target. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "lib/types.h"

/* Run all on a started machine whose Boot Domain has not run yet.  Prints `TEST name ok|FAIL line`; returns failures. */
uint32_t contract_run(void);
uint32_t contract_count(void);

#endif
