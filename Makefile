# SPDX-License-Identifier: GPL-2.0
# Builds dmasynctop for this machine, or with ARCH=arm64 a static one for arm64 boards.
#
#   make [ARCH=arm64] [O=dir] [V=1] [SAN=1]      make check | demo | bench | gallery | lab-compare | soak | install | clean

VERSION := 0.1.0
HOST_ARCH := $(patsubst aarch64,arm64,$(shell uname -m))
ARCH ?= $(HOST_ARCH)
O ?= build
ifeq ($(ARCH),$(HOST_ARCH))
OBJ := $(O)
else
OBJ := $(O)/$(ARCH)
endif

prefix ?= /usr/local
CLANG ?= clang
# In front of compilers; `make check` has ccache, for trees that were checked before.
CCACHE ?=
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-7s %s\n' '$(1)' '$(patsubst $(O)/%,%,$@)')

ifeq ($(ARCH),$(HOST_ARCH))
CC ?= gcc
LINK_MODE ?=
else ifeq ($(ARCH),arm64)
CC := aarch64-linux-gnu-gcc
LINK_MODE ?= -static
else
$(error ARCH=$(ARCH): only arm64 can be cross-built from $(HOST_ARCH))
endif

TRIPLET := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_ARCH := $(patsubst x86_64,x86,$(ARCH))

WARN := -Wall -Wextra -Wstrict-prototypes -Wdeclaration-after-statement -Wno-unused-parameter
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(SAN_FLAGS) -D_GNU_SOURCE -DDMASYNC_VERSION='"$(VERSION)"' \
	-Iinclude -I$(OBJ)/skel
LDLIBS := -lbpf -ltraceevent -lelf -lz -ljansson -lncursesw -ltinfo -lm
ifdef SAN
SAN_FLAGS := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
endif

BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wno-unused-function \
	-Ivmlinux -Iinclude -Ibpf -I/usr/include/$(TRIPLET)

SRCS := $(wildcard src/*.c src/*/*.c)
OBJS := $(SRCS:src/%.c=$(OBJ)/src/%.o)
LIB_OBJS := $(filter-out $(OBJ)/src/main.o,$(OBJS))
BPF_SRCS := $(wildcard bpf/*.bpf.c)
SKELS := $(BPF_SRCS:bpf/%.bpf.c=$(OBJ)/skel/%.skel.h)
UNIT_SRCS := $(wildcard tests/unit/test_*.c)
UNITS := $(UNIT_SRCS:tests/unit/%.c=$(OBJ)/unit/%)

.PHONY: all check units clean demo install uninstall
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OBJ)/dmasynctop

$(OBJ)/dmasynctop: $(OBJS)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LINK_MODE) -o $@ $^ $(LDLIBS)

# For guests, which have no libraries.
$(OBJ)/dmasynctop-static: $(OBJS)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -static -o $@ $^ $(LDLIBS)

$(OBJ)/src/%.o: src/%.c | $(SKELS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The assembler takes these in; no compiler tells make of it.
$(OBJ)/src/flame/asset.o: src/flame/flame.js src/flame/flame.css
$(OBJ)/src/report/schema.o: src/report/capture.schema.json

$(OBJ)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF)
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $<

$(SKELS): $(OBJ)/skel/%.skel.h: $(OBJ)/bpf/%.bpf.o
	$(call say,SKEL)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# ---- unit tests ----
# What unit tests and their helpers are linked with: all of the product but for what some make up.
UNIT_OBJS = $(LIB_OBJS)
$(OBJ)/unit/test_backend: UNIT_OBJS = $(filter-out $(OBJ)/src/session/session.o $(OBJ)/src/ftrace/ftrace.o,$(LIB_OBJS))
# The product on a made-up session, for tests without root.
$(OBJ)/unit/batch_demo: UNIT_OBJS = $(filter-out $(OBJ)/src/session/backend.o,$(LIB_OBJS))

$(OBJ)/unit/%.o: tests/unit/%.c | $(SKELS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(CC) $(ALL_CFLAGS) -Itests/unit -MMD -MP -c -o $@ $<

$(OBJ)/unit/%: $(OBJ)/unit/%.o $(LIB_OBJS)
	$(call say,UNIT)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(UNIT_OBJS) $(LDLIBS) $(if $(filter test_%,$(@F)),-lcmocka)

units: $(UNITS)
	$(Q)for t in $(UNITS); do $$t || exit 1; done

# ---- checks ----
# make check installs what is missing, then everything is tested: format, units, command line and
# live view, and in the lab that what the tool reports is what the plugin counts.
C_FILES := $(wildcard kmod/*.[ch] src/*.[ch] src/*/*.[ch] bpf/*.[ch] include/dmasync/*.h tests/unit/*.[ch] tests/fuzz/*.c lab/plugin/*.[ch] \
	lab/guest/*.[ch] lab/bench/*.c lab/*.h)
SH_FILES := $(wildcard lab/*.sh lab/bench/*.sh) $(shell grep -lsE '^\#!/bin/(ba)?sh' scripts/* lab/* tests/cli/* tests/fuzz/* tests/browser/* tests/bench-report .ci/run)
JOBS ?= 2
# One more than there are jobs: a guest does nothing in a third of its time, when it sleeps or waits
# for grace periods. The long ones begin first, by the time that they take, so that none is left alone
# in the end; of the rest those that take 20 s begin before the many that take less.
TEST_JOBS ?= $(shell expr $(JOBS) + 1)
LAB_LONG := 30-faults 20-flavours 61-series 10-suites-7.3 60-kmod 63-drivers 10-suites-6.18 10-suites-6.12 15-mutants 71-ftrace 50-record 70-predict 10-suites-6.1 05-model 72-storms 60-gallery 62-order
LAB_TESTS := $(LAB_LONG:%=tests/lab/%.t) $(filter-out $(LAB_LONG:%=tests/lab/%.t),$(wildcard tests/lab/*.t))

.PHONY: setup style style-c style-sh check-quick
setup:
	$(Q)scripts/setup --build --test --lab --browser

style: style-c style-sh

style-c:
	$(call say,STYLE)
	$(Q)clang-format --dry-run -Werror $(C_FILES)

style-sh:
	$(call say,STYLE)
	$(Q)shellcheck -x $(SH_FILES)

# Everything that needs no guest.
check-quick: style all units build-units
	$(Q)O=$(O) prove -j$(JOBS) tests/cli

# ---- fuzzing of the capture reader, with clang's libFuzzer ----
# make fuzz [SECONDS=600] says how many inputs it tried, and leaves what it found in FUZZ_DIR.
.PHONY: fuzz fuzz-quick
FUZZ_DIR := $(O)/fuzz
FUZZ_CC ?= clang
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_SRCS := $(wildcard src/capture/*.c src/interval/*.c src/report/*.c) src/runtime/log.c \
	$(addprefix src/view/,bar.c clean.c columns.c json_objects.c json_rows.c text_header.c text_hist.c \
	text_storms.c text_table.c text_words.c wrap.c) src/cli/options.c src/cli/units.c
FUZZ_OBJS := $(FUZZ_SRCS:src/%.c=$(FUZZ_DIR)/src/%.o)
SECONDS ?= 600

$(FUZZ_DIR)/src/%.o: src/%.c
	$(call say,FUZZ)
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(FUZZ_CC) $(ALL_CFLAGS) $(FUZZ_SAN) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/src/report/schema.o: src/report/capture.schema.json

$(FUZZ_DIR)/fuzz_capture: tests/fuzz/fuzz_capture.c $(FUZZ_OBJS)
	$(call say,LINK)
	$(Q)$(FUZZ_CC) $(ALL_CFLAGS) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ -lz -ljansson -lm

fuzz: $(FUZZ_DIR)/fuzz_capture
	$(Q)tests/fuzz/run $(FUZZ_DIR) $(SECONDS)

# The committed inputs, then a short search from them.
fuzz-quick: $(FUZZ_DIR)/fuzz_capture
	$(Q)O=$(O) prove -v tests/fuzz

CHECK_CACHE ?= CCACHE=ccache CCACHE_DIR='$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dmasync/ccache' CCACHE_NOHASHDIR=1 \
	CCACHE_MAXSIZE=8G
check: setup
	$(Q)$(MAKE) $(CHECK_CACHE) --no-print-directory -j$(JOBS) style all lab build-units $(FUZZ_DIR)/fuzz_capture
	$(Q)$(MAKE) $(CHECK_CACHE) --no-print-directory -j$(JOBS) ARCH=arm64 all
	$(Q)O=$(O) $(CHECK_CACHE) CMOCKA_MESSAGE_OUTPUT=TAP prove -j$(TEST_JOBS) --timer $(LAB_TESTS) tests/fuzz tests/browser tests/cli/tui.t \
		$(filter %_sim,$(UNITS)) $(filter-out tests/cli/tui.t,$(wildcard tests/cli/*.t)) $(filter-out %_sim,$(UNITS))

# Pictures in Chromium, output in other tools; installs packages from the registries of Debian and npm.
.PHONY: check-browser bench-flame
check-browser: $(OBJ)/dmasynctop $(OBJ)/unit/flame_gen
	$(Q)scripts/setup --browser
	$(Q)O=$(O) prove --timer tests/browser

# Captures of two stock kernels in guests, compared and drawn, into flamegraphs/.
.PHONY: gallery
gallery: all lab
	$(Q)$(MAKE) --no-print-directory ARCH=arm64 all
	$(Q)O=$(O) scripts/gallery $(GALLERY)

# Kernels without the series and with it in guests, compared, counted and drawn, into flamegraphs/series/.
.PHONY: lab-compare
lab-compare: all lab
	$(Q)$(MAKE) --no-print-directory ARCH=arm64 all
	$(Q)O=$(O) scripts/lab-compare $(COMPARE)

# Ten minutes (SECONDS=N: N seconds) of parallel, checked DMA on a kernel with the series, lockdep, KASAN and DMA
# API debugging. Builds that kernel first, 40 minutes of CPU time. SOAK='--series linux-6.1': the other series.
.PHONY: soak
soak: lab
	$(Q)$(MAKE) --no-print-directory ARCH=arm64 all
	$(Q)O=$(O) scripts/soak --seconds $(SECONDS) $(SOAK)

# Time and memory that 100,000 stacks take, beside flamegraph.pl if it is there.
bench-flame: $(OBJ)/dmasynctop $(OBJ)/unit/flame_gen
	$(Q)O=$(O) tests/bench/flame $(STACKS)

.PHONY: build-units
build-units: $(UNITS) $(addprefix $(OBJ)/unit/,batch_demo capture_demo tui_demo flame_gen compare_captures)

# ---- lab: ground-truth plugin for the host's QEMU, workload for the guests ----
.PHONY: lab
LAB := $(O)/lab
LAB_CC_arm64 := $(if $(filter arm64,$(HOST_ARCH)),gcc,aarch64-linux-gnu-gcc)
LAB_CC_amd64 := gcc
LAB_GUESTS := arm64 $(if $(filter x86_64,$(HOST_ARCH)),amd64)
LAB_CFLAGS := -std=gnu11 $(WARN) -O2 -g -MMD -MP

lab: $(LAB)/plugin/count.so $(LAB)/plugin/model.so $(foreach a,$(LAB_GUESTS),$(LAB)/$a/workload $(LAB)/$a/witness) $(LAB)/arm64/soak \
	$(LAB)/arm64/mapheap $(LAB)/arm64/fetch

# QEMU itself has what they leave undefined: -z now makes a QEMU without it refuse them.
$(LAB)/plugin/count.so: lab/plugin/order.c lab/plugin/text.c
$(LAB)/plugin/%.so: lab/plugin/%.c
	$(call say,PLUGIN)
	@mkdir -p $(@D)
	$(Q)gcc $(LAB_CFLAGS) -D_GNU_SOURCE -fPIC -shared -fvisibility=hidden -Wl,-z,now \
		-o $@ $(filter %.c,$^)

$(LAB)/%/workload: lab/guest/workload.c
	$(call say,GUEST)
	@mkdir -p $(@D)
	$(Q)$(LAB_CC_$*) $(LAB_CFLAGS) -static -o $@ $<

$(LAB)/arm64/soak: $(wildcard lab/guest/soak*.c)
	$(call say,GUEST)
	@mkdir -p $(@D)
	$(Q)$(LAB_CC_arm64) $(LAB_CFLAGS) -static -o $@ $(filter %.c,$^)

$(LAB)/%/witness: lab/guest/witness.c
	$(call say,GUEST)
	@mkdir -p $(@D)
	$(Q)$(LAB_CC_$*) $(LAB_CFLAGS) -static -o $@ $<

$(LAB)/arm64/fetch: lab/guest/fetch.c
	$(call say,GUEST)
	@mkdir -p $(@D)
	$(Q)$(LAB_CC_arm64) $(LAB_CFLAGS) -static -o $@ $<

$(LAB)/%/mapheap: lab/guest/mapheap.c
	$(call say,GUEST)
	@mkdir -p $(@D)
	$(Q)$(LAB_CC_$*) $(LAB_CFLAGS) -static -o $@ $<

# What the overhead is measured with, on arm64 guests alone: programs that do nothing, a stopwatch.
.PHONY: bench
$(LAB)/arm64/empty.bpf.o: lab/bench/empty.bpf.c
	$(call say,BPF)
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(LAB)/arm64/empty.skel.h: $(LAB)/arm64/empty.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name empty_bpf > $@

$(LAB)/arm64/%: lab/bench/%.c $(LAB)/arm64/empty.skel.h
	$(call say,GUEST)
	$(Q)$(LAB_CC_arm64) $(LAB_CFLAGS) -D_GNU_SOURCE -I$(LAB)/arm64 -static -o $@ $< -lbpf -lelf -lz

bench:
	$(Q)O=$(O) lab/bench/run $(if $(KERNEL),--kernel $(KERNEL)) $(BENCH)

.PHONY: bench-report
bench-report: $(OBJ)/dmasynctop $(OBJ)/unit/capture_demo
	$(Q)tests/bench-report $(OBJ)

-include $(wildcard $(LAB)/plugin/*.d $(LAB)/*/*.d)

# The kernel module, for a kernel of the lab; says where it is.
.PHONY: kmod
kmod:
	$(Q)scripts/build-kmod $(if $(V),-v) $(KERNEL)

demo:
	$(Q)O='$(O)' scripts/demo

clean:
	$(Q)rm -rf $(O)

# ---- install: to prefix, below DESTDIR ----
INSTALL_TO := $(DESTDIR)$(prefix)
MAN_PAGE := $(INSTALL_TO)/share/man/man8/dmasynctop.8
MAN1_PAGES := $(patsubst doc/%,$(INSTALL_TO)/share/man/man1/%,$(wildcard doc/*.1))
COMPLETION := $(INSTALL_TO)/share/bash-completion/completions/dmasynctop

install: $(OBJ)/dmasynctop
	$(Q)install -D -m 755 $(OBJ)/dmasynctop $(INSTALL_TO)/sbin/dmasynctop
	$(Q)install -D -m 644 doc/dmasynctop.8 $(MAN_PAGE)
	$(Q)for page in $(notdir $(MAN1_PAGES)); do \
		install -D -m 644 doc/$$page $(INSTALL_TO)/share/man/man1/$$page || exit; done
	$(Q)install -D -m 644 doc/dmasynctop.bash $(COMPLETION)

# Directories are the system's own; below DESTDIR those that are left empty go, too.
uninstall:
	$(Q)rm -f $(INSTALL_TO)/sbin/dmasynctop $(MAN_PAGE) $(MAN1_PAGES) $(COMPLETION)
	$(Q)[ -z '$(DESTDIR)' ] || { cd '$(DESTDIR)' && rmdir -p --ignore-fail-on-non-empty \
		$(patsubst $(DESTDIR)/%,%,$(INSTALL_TO)/sbin \
			$(sort $(dir $(MAN_PAGE) $(MAN1_PAGES) $(COMPLETION)))); }

-include $(wildcard $(FUZZ_DIR)/src/*/*.d)
-include $(wildcard $(OBJ)/src/*.d $(OBJ)/src/*/*.d $(OBJ)/bpf/*.d $(OBJ)/unit/*.d)
