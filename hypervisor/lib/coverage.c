/* SPDX-License-Identifier: Apache-2.0 */
/* Present only in a build that measures coverage: stands for the profiling runtime, which the compiler asks for by name.
 * The counters are read out of the machine's memory from outside. */
extern int __llvm_profile_runtime;
int __llvm_profile_runtime;
