# SPDX-License-Identifier: GPL-2.0-only
#
# hokm-xdp: everything is built under build/ (B), nothing in the source tree.
#
#   make V=1            show the commands
#   make WERROR=1       warnings are errors (as in CI)
#   make CC=clang B=build/clang   another compiler, another folder
#   make CC=clang SAN=1 B=build/asan   with AddressSanitizer and UBSan
#   make CC=clang COV=1 B=build/coverage   with counters for llvm-cov
#   make USER_SRC='a.c b.c' T     only some of the daemon's sources, for a test T that needs no more
#
# All of user/**/*.c but main.c goes into one archive, $(B)/libhokm.a. The daemon, the tests and the
# bench link with it, so that a test may bring its own version of a function it wants to replace.

B      ?= build
PREFIX ?= /usr/local
SBINDIR  ?= $(PREFIX)/sbin
DOCDIR   ?= $(PREFIX)/share/doc/hokm-xdp
UNITDIR  ?= $(PREFIX)/lib/systemd/system
CONFDIR  ?= /etc/hokm-xdp
MANDIR   ?= $(PREFIX)/share/man
COMPDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG      ?= clang
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config
# bpftool lies in /usr/sbin, which is not in every user's PATH.
BPFTOOL    ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool || echo bpftool)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' $(1) $(patsubst ./%,%,$(2))
MAKEFLAGS += --no-print-directory
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += -r

# ---------------------------------------------------------------------------------------- flags
PKGS     := libbpf libelf zlib libnl-3.0 libnl-route-3.0 libsystemd libconfuse jansson \
            libcrypto libcap libseccomp expat libcares
# Loaded when they are needed (user/agent/lib_curl.c, lib_mhd.c): only their headers are used here.
PKGS_LOADED := libcurl libmicrohttpd
# The same for one folder, user/top.
PKGS_TOP := ncurses
PKGS_LWS := libwebsockets

# Asked once, and only when something is compiled: on a bare machine pkg-config is not there yet.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PKGS) $(PKGS_LOADED)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell $(PKG_CONFIG) --libs $(PKGS)))$(PKG_LIBS)
TOP_CFLAGS = $(eval TOP_CFLAGS := $$(shell $(PKG_CONFIG) --cflags-only-I $(PKGS_TOP)))$(TOP_CFLAGS)
LWS_CFLAGS = $(eval LWS_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PKGS_LWS)))$(LWS_CFLAGS)
LWS_LIBS   = $(eval LWS_LIBS := $$(shell $(PKG_CONFIG) --libs $(PKGS_LWS)))$(LWS_LIBS)
CMOCKA_LIBS = $(eval CMOCKA_LIBS := $$(shell $(PKG_CONFIG) --libs cmocka))$(CMOCKA_LIBS)

WARN := -Wall -Wextra -Wshadow -Wcast-qual -Wmissing-prototypes -Wstrict-prototypes -Wconversion \
        -Wno-sign-conversion -Wpointer-arith -Wformat=2 -Wundef -Wvla -Wwrite-strings
BPF_WARN := -Wall -Wextra -Wshadow -Wundef -Wvla
ifeq ($(CI),true)
WERROR ?= 1
endif
ifeq ($(WERROR),1)
WARN     += -Werror
BPF_WARN += -Werror
endif

# The sanitizers find no less in code that is not optimized, and its build takes half of the time.
OPT ?= $(if $(filter 1,$(SAN)),-O0,-O2)
# Some tests are simulations of hours, which take four times as long in such code: what they spend
# their time in is optimized. The flag is that of these files alone, not of what they depend on.
SIMULATED := $(patsubst %.c,$(B)/%.o,$(wildcard user/decide/*.c tests/unit/*_sim.c) \
             tests/unit/test_dns_monitor.c tests/unit/test_repl.c)
ifeq ($(SAN),1)
$(SIMULATED): private OPT := -O1
endif
# Of names and lines they need as much as a backtrace shows.
DEBUG_INFO := $(if $(filter 1,$(SAN)),-g1,-g)
HARD := -fstack-protector-strong -fPIE
ifeq ($(SAN),1)
HARD += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# gcc defines it by itself, clang 14 does not.
HARD += $(if $(findstring clang,$(CC)),-D__SANITIZE_ADDRESS__)
# By default gcc leaves out libraries that a program does not use, and clang does not.
LINK_HARD := -pie -fsanitize=address,undefined -Wl,--as-needed
else ifeq ($(COV),1)
OPT := -O1
HARD += -fprofile-instr-generate -fcoverage-mapping
LINK_HARD := -pie -fprofile-instr-generate
else
HARD += -D_FORTIFY_SOURCE=2
LINK_HARD := -pie -Wl,-z,relro,-z,now
endif

# Most of the time to link a test program goes to the linker's work on the whole library. gold takes
# a quarter of it, but warns of the sanitizers' symbols; lld takes half. Neither must be there.
FAST_LINKER = $(if $(filter 1,$(SAN)),lld,gold)
FAST_LD_FLAG = $(if $(shell command -v ld.$(FAST_LINKER)),-fuse-ld=$(FAST_LINKER))
FAST_LD     = $(eval FAST_LD := $$(FAST_LD_FLAG))$(FAST_LD)

# The skeleton has one place, whatever the folder of the variant.
SKEL := build/hokm.skel.h

ALL_CPPFLAGS = -D_GNU_SOURCE -Iinclude -Iuser -Ibuild $(CPPFLAGS)
ALL_CFLAGS   = -std=gnu11 $(OPT) $(DEBUG_INFO) $(HARD) $(WARN) $(CFLAGS)
ALL_LDFLAGS  = $(LINK_HARD) $(LDFLAGS)
DEPFLAGS     = -MMD -MP

BPF_ARCH   := $(subst x86_64,x86,$(subst aarch64,arm64,$(shell uname -m)))
BPF_CFLAGS  = -target bpf -mcpu=v3 -O2 -g $(BPF_WARN) -D__TARGET_ARCH_$(BPF_ARCH) \
              -Iinclude -Ivmlinux -Ibpf

# -------------------------------------------------------------------------------------- sources
USER_SRC ?= $(sort $(shell find user -name '*.c'))
LIB_SRC   = $(filter-out user/main.c,$(USER_SRC))
LIB_OBJ   = $(LIB_SRC:%.c=$(B)/%.o)
LIB       = $(B)/libhokm.a

UNIT_SRC     := $(sort $(wildcard tests/unit/*.c))
UNIT_TESTS   := $(patsubst %.c,$(B)/%,$(filter tests/unit/test_%,$(UNIT_SRC)))
UNIT_HELPERS := $(patsubst %.c,$(B)/%.o,$(filter-out tests/unit/test_%,$(UNIT_SRC)))

BPFT_SRC     := $(sort $(filter-out %.bpf.c,$(wildcard tests/bpf/*.c)))
BPF_TESTS    := $(patsubst %.c,$(B)/%,$(filter tests/bpf/test_%,$(BPFT_SRC)))
BPFT_HELPERS := $(patsubst %.c,$(B)/%.o,$(filter-out tests/bpf/test_%,$(BPFT_SRC)))

PLAYERS_OBJ  := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tools/demo/players*.c)))
GAME_OBJ     := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tools/demo/game*.c)))
# Every other C file there is a small program of its own: tools/demo/x.c is build/hokm-x.
DEMO_SMALL   := $(filter-out tools/demo/players% tools/demo/game%,$(wildcard tools/demo/*.c))
DEMO_SMALL   := $(patsubst tools/demo/%.c,$(B)/hokm-%,$(sort $(DEMO_SMALL)))
DEMO_PROGS   := $(if $(GAME_OBJ),$(B)/hokm-game) $(if $(PLAYERS_OBJ),$(B)/hokm-players) \
                $(DEMO_SMALL)

# Every C file there that is no BPF program is one of its own: tools/lab/x.c is build/hokm-x.
LAB_PROGS    := $(patsubst tools/lab/%.c,$(B)/hokm-%,$(filter-out %.bpf.c,$(wildcard tools/lab/*.c)))

# The ends and the bad link of the frames tests: tests/ws/x.c is build/tests/ws/x.
WS_PROGS     := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/ws/*.c)))

# What namespace tests load into a daemon: tests/netns/x.c is build/tests/netns/x.so.
NETNS_LIBS   := $(patsubst %.c,$(B)/%.so,$(sort $(wildcard tests/netns/*.c)))

FUZZERS      := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

BENCH_OBJ    := $(patsubst %.c,$(B)/%.o,$(sort $(filter-out %.bpf.c,$(wildcard tools/bench/*.c))))

# BPF programs that only tools and tests use: tools/lab/x.bpf.c is build/lab/x.bpf.o.
AUX_BPF      := $(patsubst tools/%.c,build/%.o,$(sort $(wildcard tools/*/*.bpf.c))) \
                $(patsubst tests/%.c,build/tests/%.o,$(sort $(wildcard tests/*/*.bpf.c)))

# Each compiler warns once about each C file. gcc compiles all of them into build. clang compiles what
# the unit tests need into build/asan, and only reads the rest: all in one process, because to start
# clang takes twice as long as to read a file.
ALL_C        := $(sort $(USER_SRC) $(UNIT_SRC) $(BPFT_SRC) $(filter-out %.bpf.c,$(wildcard tools/*/*.c)) \
                $(wildcard tests/ws/*.c))
ALL_OBJ      := $(ALL_C:%.c=$(B)/%.o)
ONLY_READ    := $(filter-out $(LIB_SRC) $(UNIT_SRC),$(ALL_C))
READ_HDRS    := $(wildcard include/*/*.h user/*/*.h tests/*/*.h tools/*/*.h build/hokm.skel.h)

# ------------------------------------------------------------------------------------- targets
.PHONY: all
all: $(B)/hokm-xdp build/hokm.bpf.o $(AUX_BPF) $(DEMO_PROGS) $(LAB_PROGS) ## the daemon, its BPF programs, the demo's programs

.PHONY: help
help: ## this list
	@printf 'hokm-xdp targets (make TARGET [V=1] [WERROR=1] [DESTDIR=] [PREFIX=%s]):\n' '$(PREFIX)'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: unit-tests bpf-tests ws-progs fuzzers system-base previous objects read-only check-build
unit-tests: $(UNIT_TESTS)
ws-progs: $(WS_PROGS) $(NETNS_LIBS)
bpf-tests: $(BPF_TESTS) $(AUX_BPF)
fuzzers: $(FUZZERS)
objects: $(ALL_OBJ) build/hokm.bpf.o $(AUX_BPF)
read-only: $(B)/read-only
system-base:
	$(Q)tests/system/base.sh
previous:
	$(Q)tests/netns/previous.sh
# tests/run makes these beside the tests that need none of them: the sanitizers' build, the fuzzers,
# the base of the systems, the version before this one.
check-build: all unit-tests bpf-tests ws-progs build/hokm-bench

# demo and check bring what they need: first the packages, then a make of its own, so that nothing
# about libraries is asked before they are there.
# As many jobs as there are processors, unless make got a number.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: demo
demo: ## both nodes and 50 players in namespaces: every event, with what players notice (root)
	$(Q)tools/install-deps build demo
	$(Q)$(MAKE) $(JOBS) all
	$(Q)tools/demo/demo

.PHONY: demo-dns
demo-dns: ## a DNS monitor with a real BIND 9: the record follows the games, a mail reports it (root)
	$(Q)tools/install-deps build demo
	$(Q)$(MAKE) $(JOBS) all
	$(Q)tools/demo/dns

.PHONY: demo-ui
demo-ui: ## pictures of the status page and of top in build/demo-ui, by Chromium (root)
	$(Q)tools/install-deps build demo test
	$(Q)$(MAKE) $(JOBS) all
	$(Q)tools/demo/ui

.PHONY: check
check: ## every test: unit, sanitizers, bpf, fuzzers, model, namespaces, systems, kernel 6.1, lint (root)
	$(Q)tools/install-deps all
	$(Q)$(MAKE) $(JOBS) WERROR=1 check-build
	$(Q)tests/run unit asan bpf fuzz model netns system kernel lint

.PHONY: check-unit check-asan check-bpf check-fuzz check-model check-netns check-system check-kernel
check-unit: unit-tests ## unit tests
	$(Q)tests/run unit

check-asan: ## unit tests under AddressSanitizer and UBSan
	$(Q)tests/run asan

check-bpf: bpf-tests ## BPF programs by BPF_PROG_TEST_RUN (root)
	$(Q)tests/run bpf

check-fuzz: ## a short run of every fuzzer over its corpus (root)
	$(Q)tests/run fuzz
check-model: ## the models of grants under spin, up to a number of steps
	$(Q)tests/run model

check-netns: all ws-progs ## real nodes in network namespaces (root)
	$(Q)tests/run netns

check-system: all ws-progs ## two Debian 12 systems under systemd-nspawn (root)
	$(Q)tests/run system

check-kernel: bpf-tests ## the BPF tests on Debian's own 6.1 kernel, under qemu
	$(Q)tests/run kernel

.PHONY: coverage
coverage: ## share of user/ and include/ that the unit tests run, by llvm-cov; in build/coverage (root)
	$(Q)tools/install-deps build test
	$(Q)tools/coverage

SOAK_SECONDS ?= 600
SOAK_CUTS ?= 500

.PHONY: soak
soak: ## SOAK_SECONDS of ordinary traffic in which nothing may trip, as long of load in which nothing may move, SOAK_CUTS partitions and three quarters as many with a gateway, as long of disturbances of each of five groups, a DNS job killed at each system call (root)
	$(Q)tools/install-deps build demo test
	$(Q)$(MAKE) $(JOBS) all ws-progs $(B)/tests/unit/test_dns_node
	@echo 'soak 1 of 7: a DNS job that is killed at each of its system calls (build/soak-dns.log)'
	$(Q)HOKM_CUT_EVERY=1 $(B)/tests/unit/test_dns_node >build/soak-dns.log 2>&1 || \
		{ tail -n 40 build/soak-dns.log; exit 1; }
	@echo 'soak 2 of 7: $(SOAK_SECONDS) s of ordinary traffic, in which nothing may trip'
	$(Q)SOAK_SECONDS=$(SOAK_SECONDS) tests/netns/test_soak.sh
	@echo 'soak 3 of 7: $(SOAK_SECONDS) s of busy processors, in which no VIP may move'
	$(Q)LOAD_SECONDS=$(SOAK_SECONDS) LOADS='fifo busy rtnl syn log' \
		tests/netns/test_no_false_takeover.sh
	@echo 'soak 4 of 7: $(SOAK_CUTS) partitions of two nodes and a witness, and more with a gateway'
	$(Q)GRANT=30ms CUTS=$(SOAK_CUTS) BUSY=2 GAP_MS=50 GAP_WORST_MS=150 \
		tests/netns/test_partition.sh
	$(Q)CUTS=$$(($(SOAK_CUTS) * 3 / 4)) BUSY=2 tests/netns/test_stand_in_cuts.sh
	$(Q)ROUNDS=$$(($(SOAK_CUTS) / 50)) tests/netns/test_quorum_upgrade.sh
	@echo 'soak 5 of 7: $(SOAK_SECONDS) s of random disturbances'
	$(Q)DISTURB_SECONDS=$(SOAK_SECONDS) DISTURB_LEAST=$$(($(SOAK_SECONDS) * 5 / 3)) \
		DISTURB_BURST=15 DISTURB_SEED=$${DISTURB_SEED:-$$(date +%s)} DISTURB_MEDIAN_MS=2000 \
		DISTURB_MOST_MS=8000 tests/netns/test_disturb.sh
	@echo 'soak 6 of 7: $(SOAK_SECONDS) s of random disturbances at profile standard'
	$(Q)PROFILE=standard DISTURB_SECONDS=$(SOAK_SECONDS) DISTURB_BURST=15 \
		DISTURB_SEED=$${DISTURB_SEED:-$$(date +%s)} tests/netns/test_disturb.sh
	@echo 'soak 7 of 7: $(SOAK_SECONDS) s of random disturbances each with a witness, a gateway, three nodes'
	$(Q)for arbiter in witness gateway three; do \
		DISTURB_ARBITER=$$arbiter DISTURB_SECONDS=$(SOAK_SECONDS) DISTURB_BURST=8 \
			DISTURB_SEED=$${DISTURB_SEED:-$$(date +%s)} \
			tests/netns/test_disturb_members.sh || exit 1; \
	done

FUZZ_SECONDS ?= 30

# BENCH_SOAK=0 leaves the soak out.
BENCH_SOAK ?= 1
ifneq ($(BENCH_SOAK),0)
BENCH_NEEDS := ws-progs
BENCH_DEPS  := test
BENCH_LAST  := tests/netns/test_soak.sh
endif

.PHONY: bench
bench: ## ns a packet, a million players, idle cost, a start, an unresponsive server, churn, takeover, demo, soak; against budgets (root)
	$(Q)tools/install-deps build demo $(BENCH_DEPS)
	$(Q)$(MAKE) $(JOBS) all build/hokm-bench $(BENCH_NEEDS)
	$(Q)failed=; run() { "$$@" || failed="$$failed $$1"; }; \
	run build/hokm-bench --json build/bench.json; \
	for part in tools/bench/idle tools/bench/start tools/bench/hung tools/bench/churn \
		tools/bench/takeover; do \
		run $$part --json build/bench-$${part##*/}.json; \
	done; \
	export SOAK_SECONDS=$(SOAK_SECONDS); \
	for part in tools/demo/demo $(BENCH_LAST); do run $$part; done; \
	echo 'As JSON: build/bench.json build/bench-*.json build/demo.json'; \
	[ -z "$$failed" ] || { echo "not within their budgets:$$failed" >&2; exit 1; }

.PHONY: model
model: ## the same with more steps, epochs and boots: 30 minutes and 16 GB
	$(Q)MODEL=deep tests/model/test_model.sh
	$(Q)MODEL=deep tests/model/test_stand_in.sh
	$(Q)MODEL=deep tests/model/test_members.sh

.PHONY: fuzz
fuzz: $(FUZZERS) ## parsers and BPF programs under libFuzzer, FUZZ_SECONDS each (root)
	$(Q)for f in $(FUZZERS); do \
		mkdir -p $$f.found && \
		$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$f. -print_final_stats=1 \
			$$f.found tests/fuzz/corpus/$${f##*/fuzz_} || exit 1; \
	done

.PHONY: lint
lint: ## style, static analysis, both compilers, and the rules of the house
	$(Q)LINT_DEEP=1 tools/lint

.PHONY: format
format: ## clang-format every C file in place
	$(Q)find bpf include user tools tests \( -name '*.c' -o -name '*.h' \) -print0 | \
		xargs -0 -r clang-format -i

# What the program says of its own keys; checked in, so that it can be read without a build.
.PHONY: docs-generated
docs-generated: $(B)/hokm-xdp ## write the sample configuration and docs/configuration.md
	$(B)/hokm-xdp check-config --keys sample >tools/packaging/hokm-xdp.conf
	$(B)/hokm-xdp check-config --keys markdown >docs/configuration.md

ROOT_PAGES  := README.md NEWS.md SECURITY.md CONTRIBUTING.md
PAGES       := $(sort $(wildcard docs/*.md))
MONITORING  := $(sort $(wildcard tools/monitoring/*))
MAN_PAGES   := hokm-xdp.8 hokm-xdp-ctl.8 hokm-xdp.conf.5
UNITS       := hokm-xdp.service hokm-xdp-linger.service hokm-xdp-monitor.service \
               hokm-xdp-witness.service hokm-xdp-drill.service hokm-xdp-drill.timer

.PHONY: install
install: $(B)/hokm-xdp ## into DESTDIR and PREFIX
	install -d '$(DESTDIR)$(SBINDIR)' '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(DOCDIR)'
	install -m 0755 $(B)/hokm-xdp '$(DESTDIR)$(SBINDIR)/hokm-xdp'
	$(foreach unit,$(UNITS),sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@CONFDIR@|$(CONFDIR)|g' \
		-e 's|@DOCDIR@|$(DOCDIR)|g' tools/packaging/$(unit) \
		>'$(DESTDIR)$(UNITDIR)/$(unit)' && chmod 0644 '$(DESTDIR)$(UNITDIR)/$(unit)' &&) :
	install -m 0644 tools/packaging/hokm-xdp.conf '$(DESTDIR)$(DOCDIR)/hokm-xdp.conf.example'
	install -m 0644 LICENSE $(ROOT_PAGES) '$(DESTDIR)$(DOCDIR)/'
	install -d '$(DESTDIR)$(DOCDIR)/docs'
	install -m 0644 $(PAGES) '$(DESTDIR)$(DOCDIR)/docs/'
	install -d '$(DESTDIR)$(DOCDIR)/monitoring'
	install -m 0644 $(MONITORING) '$(DESTDIR)$(DOCDIR)/monitoring/'
	install -d '$(DESTDIR)$(MANDIR)/man5' '$(DESTDIR)$(MANDIR)/man8' '$(DESTDIR)$(COMPDIR)' \
		'$(DESTDIR)$(ZSHDIR)'
	install -m 0644 tools/packaging/hokm-xdp.bash '$(DESTDIR)$(COMPDIR)/hokm-xdp'
	install -m 0644 tools/packaging/hokm-xdp.zsh '$(DESTDIR)$(ZSHDIR)/_hokm-xdp'
	$(foreach page,$(MAN_PAGES),tools/packaging/man $(B)/hokm-xdp $(page) \
		>'$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page)' && \
		chmod 0644 '$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page)' &&) :

.PHONY: uninstall
uninstall: ## what install put there; a configuration is yours and stays
	rm -f '$(DESTDIR)$(SBINDIR)/hokm-xdp' $(UNITS:%='$(DESTDIR)$(UNITDIR)/%') \
		'$(DESTDIR)$(DOCDIR)/hokm-xdp.conf.example' '$(DESTDIR)$(DOCDIR)/LICENSE' \
		$(foreach page,$(ROOT_PAGES) $(PAGES),'$(DESTDIR)$(DOCDIR)/$(page)') \
		$(MONITORING:tools/%='$(DESTDIR)$(DOCDIR)/%') \
		'$(DESTDIR)$(COMPDIR)/hokm-xdp' '$(DESTDIR)$(ZSHDIR)/_hokm-xdp' \
		$(foreach page,$(MAN_PAGES),'$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page)')
	-rmdir '$(DESTDIR)$(DOCDIR)/docs' '$(DESTDIR)$(DOCDIR)/monitoring' '$(DESTDIR)$(DOCDIR)'

.PHONY: deb
deb: ## a Debian package in build/deb, judged by lintian
	$(if $(SAN)$(COV)$(filter-out build,$(B)),$(error a package is made of the ordinary build))
	$(Q)tools/install-deps build deb
	$(Q)$(MAKE) $(JOBS) $(B)/hokm-xdp
	$(Q)tools/packaging/deb -l

.PHONY: clean
clean: ## remove build/; what check-kernel and check-system downloaded stays there
	$(Q)if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name kernel ! -name system \
		-exec rm -rf {} +; fi

.PHONY: distclean
distclean: ## remove build/ altogether
	$(Q)rm -rf build

# --------------------------------------------------------------------------------------- rules
# Rebuilt when compiler or flags change.
.PHONY: FORCE
FORCE:
FLAGS_STAMP := $(B)/.flags
$(FLAGS_STAMP): FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' >$@

# Only what includes the skeleton waits for the BPF build; afterwards the dependency files know it.
ALL_SRC    := $(USER_SRC) $(UNIT_SRC) $(BPFT_SRC) $(wildcard tools/bench/*.c)
SKEL_USERS := $(if $(ALL_SRC),$(shell grep -ls '"path/skeleton.h"' $(ALL_SRC) $(wildcard tests/*/*.h)))
SKEL_HDRS  := $(filter %.h,$(SKEL_USERS))
SKEL_OBJ   := $(patsubst %.c,$(B)/%.o,$(filter %.c,$(SKEL_USERS))) \
              $(if $(SKEL_HDRS),$(patsubst %.c,$(B)/%.o,$(BPFT_SRC)))
$(SKEL_OBJ) $(if $(SKEL_USERS),$(B)/read-only): | $(SKEL)

$(B)/%.o: %.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(PKG_CFLAGS) $(OBJ_CFLAGS) $(ALL_CFLAGS) $(DEPFLAGS) -c -o $@ $<

# Warnings only, by clang. All of them may include libwebsockets. clang-tidy, which is clang as a
# library, takes many files; it wants one check of its own, which finds nothing that the lint lets pass.
READ_CHECKS := -*,clang-diagnostic-*,google-readability-todo
$(B)/read-only: $(ONLY_READ) $(READ_HDRS) $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(call say,READ,$@)
	$(Q)$(CC:clang%=clang-tidy%) --quiet --config='{}' --header-filter='.*' --checks='$(READ_CHECKS)' \
		$(ONLY_READ) -- $(ALL_CPPFLAGS) $(PKG_CFLAGS) $(LWS_CFLAGS) $(ALL_CFLAGS)
	$(Q)touch $@

$(B)/tests/netns/%.so: tests/netns/%.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(LIB_OBJ)

# The page is part of the object.
$(B)/user/agent/http_page.o: user/agent/http_page.html

$(B)/hokm-xdp: $(B)/user/main.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# What several tests of a folder share, likewise taken only by those that need it.
UNIT_LIB := $(B)/tests/unit/libunit.a
BPFT_LIB := $(B)/tests/bpf/libbpftest.a
$(UNIT_LIB): $(UNIT_HELPERS)
$(BPFT_LIB): $(BPFT_HELPERS)
$(UNIT_LIB) $(BPFT_LIB):
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(UNIT_TESTS): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(UNIT_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(FAST_LD) -o $@ $^ $(CMOCKA_LIBS) $(PKG_LIBS)

$(BPF_TESTS): $(B)/tests/bpf/%: $(B)/tests/bpf/%.o $(BPFT_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(FAST_LD) -o $@ $^ $(CMOCKA_LIBS) $(PKG_LIBS)

$(GAME_OBJ): OBJ_CFLAGS = $(LWS_CFLAGS)
$(filter $(B)/user/top/%,$(LIB_OBJ)): OBJ_CFLAGS = $(TOP_CFLAGS)
$(B)/hokm-game: $(GAME_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LWS_LIBS) $(PKG_LIBS)

$(B)/hokm-players: $(PLAYERS_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LWS_LIBS) $(PKG_LIBS)

$(DEMO_SMALL): $(B)/hokm-%: $(B)/tools/demo/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(LAB_PROGS): $(B)/hokm-%: $(B)/tools/lab/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(WS_PROGS:%=%.o): OBJ_CFLAGS = $(LWS_CFLAGS)
$(WS_PROGS): $(B)/tests/ws/%: $(B)/tests/ws/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LWS_LIBS) $(PKG_LIBS)

# A fuzzer brings the few sources it needs, so that all of them are instrumented.
FUZZ_FLAGS := -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
build/fuzz/fuzz_vrrp: tests/fuzz/fuzz_vrrp.c user/decide/vrrp_wire.c
build/fuzz/fuzz_repl: tests/fuzz/fuzz_repl.c user/decide/repl.c user/decide/repl_wire.c \
                      user/decide/agree.c
build/fuzz/fuzz_ws: tests/fuzz/fuzz_ws.c tests/fuzz/ws_reference.c tests/unit/ws_rig.c
build/fuzz/fuzz_bpf: tests/fuzz/fuzz_bpf.c tests/fuzz/bpf_fuzz_talk.c tests/unit/ws_rig.c \
                     tests/bpf/fixture.c tests/bpf/fixture_open.c tests/bpf/frame.c \
                     tests/bpf/expect.c user/base/names.c $(SKEL)
build/fuzz/fuzz_bpf: FUZZ_LIBS = $(CMOCKA_LIBS) $(PKG_LIBS)
$(FUZZERS): $(wildcard include/hokm/*.h user/decide/*.h tests/fuzz/*.h tests/unit/ws_rig.h \
                       tests/bpf/*.h)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(ALL_CPPFLAGS) -o $@ $(filter %.c,$^) $(FUZZ_LIBS)

build/hokm-bench: $(BENCH_OBJ) $(LIB) build/bench/bench.bpf.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(BENCH_OBJ) $(LIB) $(PKG_LIBS)

# BTF for the maps stays, DWARF goes: the object is carried inside the daemon.
define build_bpf
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(DEPFLAGS) -MF $(@:.o=.d) -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $@
endef

build/hokm.bpf.o: bpf/hokm.bpf.c
	$(build_bpf)
build/%.bpf.o: tools/%.bpf.c
	$(build_bpf)
build/tests/%.bpf.o: tests/%.bpf.c
	$(build_bpf)

$(SKEL): build/hokm.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name hokm_bpf >$@

-include $(shell find $(B) \( -path $(B)/system -o -path $(B)/deb \) -prune -o -name '*.d' -print 2>/dev/null)
ifneq ($(B),build)
-include build/hokm.bpf.d
endif
