# SPDX-License-Identifier: Apache-2.0
# A thin front over the CMake presets (CMakePresets.json) and scripts/. `make help` lists the targets.
.DEFAULT_GOAL := all
.PHONY: all setup run test check trace coverage coverage-baseline bench bench-pv bench-rt bench-baseline fuzz abuse format clean help
SYSTEM ?= examples/cockpit.yaml

all: setup ## build everything into build/; build/bulkhead is the host tool
	@scripts/build.sh host arm64

run: all ## boot the demo in QEMU (SYSTEM=examples/hello.yaml for another system)
	@build/bulkhead run $(SYSTEM)

test: all ## every check and every test
	@scripts/test.py

setup: ## install what is missing (apt), fetch sources and guests
	@scripts/setup.sh

check: all ## layout, static analysis, MISRA, dependencies, sizes
	@scripts/check.py

trace: ## requirements to code to tests; build/trace.html
	@scripts/trace.py

coverage: all ## lines, branches and MC/DC of host and target runs; build/coverage/index.html
	@scripts/coverage.py

coverage-baseline: coverage ## the figures of this tree become the ones that may not fall
	@scripts/coverage.py --write-baseline

bench: all ## build/bench.md, bench.svg, bench.json: Bulkhead and Xen side by side; build/deadlines.md
	@scripts/bench.py
	@scripts/deadlines.py 100000

bench-pv: all ## build/bench-pv.md: disk and network between two Linux domains, Bulkhead and Xen side by side
	@scripts/bench_pv.py

bench-rt: all ## build/bench-rt.md, bench-rt.svg: cyclictest in a real-time Linux, on Bulkhead and on Xen (4 minutes)
	@scripts/bench_rt.py

bench-baseline: all ## the figures of this tree become docs/bench-baseline.json
	@scripts/bench.py --write-baseline

fuzz: setup ## all fuzzers, ten minutes (FUZZ_SECONDS=60 for less)
	@scripts/fuzz.sh $(FUZZ_SECONDS)

abuse: all ## three million random task sets against the model of EDF; ten million random hypercalls under sanitizers (ABUSE_CALLS=1000000 for fewer), 200,000, 10,000 lives of a domain and 1,000,000 deadlines beside hostile domains on the target
	@cmake --preset host-abuse >/dev/null && ninja -C build/host-abuse --quiet abuse sched_policy
	@SCHED_SETS=3000000 build/host-abuse/tests/unit/sched/sched_policy
	@ASAN_OPTIONS=detect_stack_use_after_return=0 build/host-abuse/tests/unit/abuse/abuse --calls $(or $(ABUSE_CALLS),10000000)
	@python3 -B tests/target/run.py hostile-long t_dynamic-long t_neighbours-long

format: ## clang-format in place
	@scripts/check.py --format

clean: ## remove what was built, keep what was downloaded (build/deps)
	@find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
