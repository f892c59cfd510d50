# Roomkey. `make run` starts a server you can join, `make check` tests everything,
# `make help` lists the rest. Quiet; V=1 shows the commands.

BUILD   ?= build
PREFIX  ?= /usr/local
CC       = gcc
VERSION := $(shell sed -n 's/^\#\# \([0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)

STD      = -std=c17 -D_GNU_SOURCE -DROOMKEY_VERSION='"$(VERSION)"'
OPT     ?= -O2 -g
WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef \
	   -Wvla -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wnull-dereference \
	   $(if $(CI),-Werror)
HARDEN   = -fstack-protector-strong -fPIE -fno-plt $(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
CFLAGS_ALL  = $(STD) $(OPT) $(WARN) $(HARDEN) $(SANITIZE) $(EXTRA) -I. $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,--build-id -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(SANITIZE) $(EXTRA) $(LDFLAGS)
LIBS     = -lwebsockets -luv -lsodium -lssl -lcrypto -ljansson -lseccomp -lncursesw -ltinfo -lpthread -lrt

Q   = $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $@)

.DEFAULT_GOAL := all

# ---- the house: a folder is an archive, a program links the floors below it
FOLDERS = base proto auth shm worker agents master client keys top remote
MAINS   = master/main.c client/main.c keys/chat_keys.c top/chat_top.c remote/chat_agent.c
sources = $(filter-out $(MAINS),$(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
archive = $(foreach f,$(1),$(if $(call sources,$(f)),$(BUILD)/$(f).a))

UNDER_base   = base
UNDER_proto  = proto base
UNDER_auth   = auth base
UNDER_shm    = shm base
UNDER_worker = worker shm proto auth base
UNDER_agents = agents shm proto auth base
UNDER_master = master worker agents shm proto auth base
UNDER_client = client proto auth base
UNDER_keys   = keys auth base
UNDER_top    = top shm proto base
UNDER_remote = remote agents client shm proto auth base

PROGRAMS = $(addprefix $(BUILD)/,chat-master chat-client chat-keys chat-top chat-agent)

$(BUILD)/chat-master: $(BUILD)/master/main.o $(call archive,$(UNDER_master))
$(BUILD)/chat-client: $(BUILD)/client/main.o $(call archive,$(UNDER_client))
$(BUILD)/chat-agent: $(BUILD)/remote/chat_agent.o $(call archive,$(UNDER_remote))
$(BUILD)/chat-keys: $(BUILD)/keys/chat_keys.o $(call archive,$(UNDER_keys))
$(BUILD)/chat-top: $(BUILD)/top/chat_top.o $(call archive,$(UNDER_top))
$(BUILD)/ws-echo: $(BUILD)/tests/ws_echo.o $(patsubst %,$(BUILD)/worker/%.o,ws ws_receive ws_write ws_context ws_proxied ws_strangers ws_upgrade flow tls tls_share utf8) $(call archive,auth base)

all: $(PROGRAMS) ## build chat-master, chat-client, chat-keys, chat-top and chat-agent (default)

LINK = $(CC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS_ALL)
$(PROGRAMS) $(BUILD)/ws-echo:
	$(call say,LINK)
	$(Q)$(LINK) $(LIBS)

$(foreach f,$(FOLDERS),$(eval $(BUILD)/$(f).a: $(call objects,$(call sources,$(f)))))
$(FOLDERS:%=$(BUILD)/%.a):
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# (What tests unpack has folders of that name.)
-include $(filter-out $(BUILD)/unpacked/%,$(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d))

# ---- tests. One Criterion binary for units (tests/unit/<folder>, of the folders in UNIT), one
# for the whole; crash and stress programs are plain ones that need fork or TSan.
UNIT ?= base proto auth shm worker agents master client keys top remote
FIXTURES = $(wildcard tests/shm_*.c tests/unit/shm/*fixture*.c)
TAG   = $(if $(filter 1,$(words $(UNIT))),-$(UNIT))
UNIT_SOURCES = $(sort $(foreach f,$(UNIT),$(wildcard tests/unit/$(f)/*.c)) $(if $(filter shm worker top,$(UNIT)),$(FIXTURES)))
UNIT_FLOORS  = $(filter $(foreach f,$(UNIT),$(UNDER_$(f))),remote top master worker agents client keys shm proto auth base)
CRASH  = $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/crash/crash_*.c))
STRESS = $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/stress/stress_*.c))
FUZZ   = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
helpers = $(call objects,$(filter-out $(wildcard tests/$(1)/$(1)_*.c),$(wildcard tests/$(1)/*.c)) $(FIXTURES))

$(BUILD)/unit$(TAG): $(call objects,$(UNIT_SOURCES)) $(call archive,$(UNIT_FLOORS))
	$(call say,LINK)
	$(Q)$(LINK) -lcriterion $(LIBS)

$(BUILD)/integration: $(call objects,$(wildcard tests/integration/*.c)) $(call archive,base)
	$(call say,LINK)
	$(Q)$(LINK) -lcriterion -lutil $(LIBS)

$(CRASH): $(BUILD)/%: $(BUILD)/tests/%.o $(call helpers,crash) $(call archive,$(UNDER_master))
	$(call say,LINK)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) $(LIBS)

$(STRESS): $(BUILD)/%: $(BUILD)/tests/%.o $(call helpers,stress) $(call archive,shm base)
	$(call say,LINK)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) $(LIBS)

$(FUZZ:%=$(BUILD)/replay_%): $(BUILD)/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(call archive,client auth proto base)
	$(call say,LINK)
	$(Q)$(LINK) $(LIBS)

# A server of another layout, for tests of upgrades: the same but for the files that know the version.
OTHER_LAYOUT = $(patsubst %.c,$(BUILD)/other-layout/%.o,$(shell grep -lw SHM_LAYOUT_VERSION shm/*.c master/*.c worker/*.c))
$(BUILD)/other-layout/%.o: %.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -DSHM_LAYOUT_VERSION=999u -MMD -MP -c -o $@ $<

$(BUILD)/other-layout/chat-master: $(BUILD)/master/main.o $(OTHER_LAYOUT) $(call archive,$(UNDER_master))
	$(call say,LINK)
	$(Q)$(LINK) $(LIBS)

unit: $(BUILD)/unit$(TAG) ## unit tests; UNIT=auth for one folder, UNIT_ARGS for Criterion
	$(Q)$(BUILD)/unit$(TAG) -j2 $(UNIT_ARGS)

integration: all $(BUILD)/integration $(BUILD)/other-layout/chat-master ## real servers, real clients, real keys
	$(Q)CHAT_BUILD=$(BUILD) $(BUILD)/integration -j2 $(INTEGRATION_ARGS)

CORRUPTION_ROUNDS ?= 20
corruption: all $(BUILD)/integration ## flip a thousand bits of rooms under a running server; the audit finds all
	$(Q)CHAT_BUILD=$(BUILD) CORRUPTION_ROUNDS=$(CORRUPTION_ROUNDS) $(BUILD)/integration --filter 'corruption/*'

crash: ## kill writers at every step of every shared update; then the mutants, which must fail
	$(Q)MAKE='$(MAKE)' tools/crash.sh $(BUILD)

crash-programs: $(CRASH)

tsan: ## the shared code as threads under ThreadSanitizer
	$(Q)$(MAKE) -s BUILD=$(BUILD)/tsan SANITIZE=-fsanitize=thread OPT='-O1 -g' stress

stress: $(STRESS)
	$(Q)set -e; for program in $^; do echo "$$program"; TSAN_OPTIONS="halt_on_error=1 $$TSAN_OPTIONS" $$program; done

ASAN = BUILD=$(BUILD)/asan SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' OPT='-O1 -g -fno-omit-frame-pointer'
asan: ## everything under AddressSanitizer and UndefinedBehaviorSanitizer; a leak fails it
	$(Q)tools/asan.sh $(BUILD)/asan $(MAKE) -s $(ASAN)

replay: $(FUZZ:%=$(BUILD)/replay_%)
	$(Q)set -e; for name in $(FUZZ); do $(BUILD)/replay_$$name tests/fuzz/corpus/$$name; done

FUZZ_SECONDS ?= 60
fuzz: ## each parser FUZZ_SECONDS (60) under libFuzzer; FUZZ=sshsig for one
	$(Q)tools/deps.sh fuzz
	$(Q)LIBS="$(LIBS)" tools/fuzz.sh $(BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ)

# What is made of the option tables is checked in.
$(BUILD)/tools/options: $(BUILD)/tools/options.o $(call archive,base)
	$(call say,LINK)
	$(Q)$(LINK) -lpthread

.PHONY: generate check-generated
generate: $(BUILD)/tools/options ## docs/configuration.md, chat.conf(5), completions, from the option tables
	$(Q)tools/generate.sh $(BUILD)

check-generated: $(BUILD)/tools/options
	$(Q)tools/generate.sh $(BUILD) --check

.PHONY: monitoring
monitoring: $(BUILD)/chat-master ## what Prometheus and Grafana are given, held against a server
	$(Q)tools/check-monitoring.sh $(BUILD)

check-layers:
	$(Q)tools/check-layers.sh

check-headers: ## each header compiles alone
	$(Q)set -e; for header in $(wildcard $(FOLDERS:%=%/*.h)); do \
		printf '#include "%s"\nextern int not_empty;\n' $$header | \
		$(CC) $(STD) $(WARN) -Werror -I. -fsyntax-only -x c - || { echo "$$header"; exit 1; }; done

check-man: ## the manual pages are well formed and complete
	$(Q)tools/check-man.sh

check-docs: all ## the commands that README.md and docs/protocol.md show
	$(Q)tools/check-docs.sh $(BUILD)

check: ## installs what is missing, builds, runs every test
	$(Q)tools/deps.sh check
	$(Q)$(MAKE) -s -j$$(nproc) all $(BUILD)/unit $(BUILD)/integration
	$(Q)tools/check.sh $(MAKE) -s

$(BUILD)/bench/floor: $(BUILD)/bench/floor.o
$(BUILD)/bench/bench: $(call objects,$(filter-out bench/floor.c bench/bench_append.c,$(wildcard bench/*.c))) $(call archive,base)
$(BUILD)/bench/bench_append: $(call objects,bench/bench_append.c tests/unit/shm/log_fixture.c) $(call archive,shm base)
BENCH = $(addprefix $(BUILD)/bench/,floor bench bench_append)
$(BENCH):
	$(call say,LINK)
	$(Q)$(LINK) $(LIBS)

.PHONY: capacity
capacity: all $(BENCH) ## what rooms, people and connections cost in memory, measured
	$(Q)tools/capacity.sh $(BUILD)

bench: all $(BENCH) ## our server beside a raw epoll loop; WORKLOADS="W1 W3" for some
	$(Q)$(BUILD)/bench/bench $(BUILD) --commit "$$(git describe --always --dirty)" \
		$(if $(WORKLOADS),$(WORKLOADS),--results bench/RESULTS.md)

bench-quick: all $(BENCH) ## the same in under a minute
	$(Q)$(BUILD)/bench/bench $(BUILD) --quick $(WORKLOADS)

bench-client: all ## how quickly chat-client's screen starts and echoes, and how much memory it takes
	$(Q)tools/bench_client.py $(BUILD)
.PHONY: bench-client

$(BUILD)/storm: $(call objects,$(wildcard tests/storm/*.c)) $(call archive,base)
	$(call say,LINK)
	$(Q)$(LINK) $(LIBS)

STORM_ARGS ?=
storm: all $(BUILD)/storm ## a minute of dying workers, then of dying masters, under load; nothing may be lost
	$(Q)$(BUILD)/storm $(BUILD) $(STORM_ARGS)

storm-short: all $(BUILD)/storm ## the same in a few seconds
	$(Q)$(BUILD)/storm $(BUILD) --short $(STORM_ARGS)

# The soak's guests use the storm's connections and server; it looks into the shared memory itself.
$(BUILD)/soak: $(call objects,$(wildcard tests/soak/*.c) $(addprefix tests/storm/,history.c journal.c link.c login.c program.c reader.c server.c weather.c world.c) tests/shm_invariants.c) $(call archive,shm base)
	$(call say,LINK)
	$(Q)$(LINK) $(LIBS)

SOAK_SECONDS ?= 1800
soak: all $(BUILD)/soak ## half an hour of coming and going, kills, reloads, upgrades: what grows, what is left? SOAK_SECONDS
	$(Q)$(BUILD)/soak $(BUILD) --seconds $(SOAK_SECONDS)

# The hostile peers use the integration tests' servers and clients.
$(BUILD)/hostile: $(call objects,$(wildcard tests/hostile/*.c) $(filter-out tests/integration/test_%,$(wildcard tests/integration/*.c))) $(call archive,base)
	$(call say,LINK)
	$(Q)$(LINK) -lcriterion -lutil $(LIBS)

HOSTILE_ROUNDS ?= 1
hostile: all $(BUILD)/ws-echo $(BUILD)/hostile ## peers that break every rule; HOSTILE_ROUNDS=30 for three million of them
	$(Q)CHAT_BUILD=$(BUILD) HOSTILE_ROUNDS=$(HOSTILE_ROUNDS) $(BUILD)/hostile -j1 $(HOSTILE_ARGS)

HOSTILE_LONG = $(Q)CHAT_BUILD=$(BUILD) HOSTILE_LONG=1 $(BUILD)/hostile -j1 --filter
hostile-slow: all $(BUILD)/hostile ## a thousand members that never read; figures, three minutes
	$(HOSTILE_LONG) 'slow_room/*'

hostile-crowd: all $(BUILD)/hostile ## 20,000 strangers, then 500 bad logins a second; figures, two minutes
	$(HOSTILE_LONG) 'crowd/*'

HOSTILE_ASAN_ROUNDS ?= 40
hostile-asan: ## two million of them under the sanitizers: no report, flat memory
	$(Q)ASAN_PARTS=hostile HOSTILE_ROUNDS=$(HOSTILE_ASAN_ROUNDS) ASAN_OPTIONS="quarantine_size_mb=8:$$ASAN_OPTIONS" \
		tools/asan.sh $(BUILD)/asan $(MAKE) -s $(ASAN)

screenshot: all ## docs/screenshot.png: chat-client's screen, as the README shows it
	$(Q)tools/deps.sh screenshot
	$(Q)tools/screenshot.sh $(BUILD) docs/screenshot.png

check-claude: all ## one turn with the real Claude Code, if it is installed and logged in
	$(Q)tools/check-claude.sh $(BUILD)

coverage: ## line coverage of the unit and integration tests
	$(Q)tools/deps.sh check coverage
	$(Q)tools/coverage.sh $(BUILD)/coverage $(MAKE) -s

# ---- for people
deps: ## install the Debian packages that building needs
	$(Q)tools/deps.sh run

run: deps ## build, and start a server you can join with the line it prints
	$(Q)$(MAKE) -s -j$$(nproc) all
	$(Q)BUILD=$(BUILD) tools/run.sh

include packaging/install.mk

C_FILES = $(wildcard $(FOLDERS:%=%/*.[ch]) tests/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch] bench/*.[ch])
format: ## clang-format over all C
	clang-format-14 -i $(C_FILES)

tidy: ## clang-tidy and cppcheck
	$(Q)tools/deps.sh tidy
	clang-tidy-14 --quiet $(filter %.c,$(wildcard $(FOLDERS:%=%/*.c))) -- $(STD) -I.
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --error-exitcode=1 -I. $(FOLDERS)

help: ## this
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | sort | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

clean:
	rm -rf $(BUILD)

.PHONY: all corruption soak hostile hostile-asan hostile-slow hostile-crowd bench bench-quick storm storm-short unit integration crash crash-programs tsan stress asan replay fuzz check-layers check-headers check-man check-docs check \
	coverage screenshot deps run format tidy help clean
.DELETE_ON_ERROR:
.SECONDARY:
