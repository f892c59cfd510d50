# Roomkey: `make run` starts a server you can join, `make check` tests everything, `make help` lists the rest.

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
UNIT    ?= base proto auth shm worker client keys
VERSION := 1.0.0

STD      = -std=c17 -D_GNU_SOURCE -DROOMKEY_VERSION='"$(VERSION)"'
OPT     ?= -O2 -g
WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef \
	   -Wvla -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wnull-dereference \
	   $(if $(CI),-Werror)
HARDEN   = -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -fno-plt
CFLAGS_ALL  = $(STD) $(OPT) $(WARN) $(HARDEN) $(SANITIZE) $(EXTRA) -I. $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(SANITIZE) $(LDFLAGS)
LIBS     = -lwebsockets -luv -lssh -lsodium -lcrypto -ljansson -lpthread -lrt

Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@))

# ---- the house: a folder is an archive; a program links the floors below it
FOLDERS = base proto auth shm worker master client keys
MAINS   = master/main.c client/main.c keys/chat_keys.c
src     = $(filter-out $(MAINS),$(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
archive = $(foreach f,$(1),$(if $(call src,$(f)),$(BUILD)/$(f).a))

PROGRAMS = $(addprefix $(BUILD)/,chat-master chat-client chat-keys)

UNDER_base   = base
UNDER_proto  = proto base
UNDER_auth   = auth base
UNDER_shm    = shm base
UNDER_worker = worker shm proto auth base
UNDER_master = master worker shm proto auth base
UNDER_client = client proto auth base
UNDER_keys   = keys auth base

all: $(PROGRAMS)

$(BUILD)/chat-master: $(BUILD)/master/main.o $(call archive,$(UNDER_master))
$(BUILD)/chat-client: $(BUILD)/client/main.o $(call archive,$(UNDER_client))
$(BUILD)/chat-keys: $(BUILD)/keys/chat_keys.o $(call archive,$(UNDER_keys))
$(PROGRAMS):
	$(call say,LINK)
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS_ALL) $(LIBS)

$(foreach f,$(FOLDERS),$(eval $(BUILD)/$(f).a: $(call objects,$(call src,$(f)))))
$(foreach f,$(FOLDERS),$(BUILD)/$(f).a):
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)

# ---- unit tests: one Criterion binary of tests/unit/<folder>/*.c for the folders in UNIT
UNIT_SRC = $(foreach f,$(UNIT),$(wildcard tests/unit/$(f)/*.c))
UNIT_TAG = $(if $(filter-out 1,$(words $(UNIT))),,-$(UNIT))
UNIT_ARCHIVES = $(call archive,$(filter $(sort $(foreach f,$(UNIT),$(UNDER_$(f)))),master worker client keys shm proto auth base))
$(BUILD)/tests/unit$(UNIT_TAG): $(call objects,$(UNIT_SRC)) $(UNIT_ARCHIVES)
	$(call say,LINK)
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS_ALL) -lcriterion $(LIBS)

unit: $(BUILD)/tests/unit$(UNIT_TAG)
	$(Q)$(BUILD)/tests/unit$(UNIT_TAG) -j2 $(UNIT_ARGS)

clean:
	rm -rf $(BUILD)

.PHONY: all unit clean
.DELETE_ON_ERROR:
