# tickpipe. `make demo` and `make check` do everything on a fresh Debian 12; the other targets are parts of them.
#
#   B=DIR    build directory (bin/ is then DIR/bin); SAN=1 builds with ASan+UBSan into build-san
#   CC=clang another compiler

ifeq ($(origin CC),default)
CC := gcc
endif
SAN ?= 0
ifeq ($(SAN),1)
B ?= build-san
else
B ?= build
endif
BIN := $(if $(filter build,$(B)),bin,$(B)/bin)

PACKAGES := $(shell cat ops/packages.txt 2>/dev/null)
LIBRARIES := libzmq libczmq libwebsockets libevent libevent_openssl libcurl openssl libcjson libsecp256k1 \
             sqlite3 libsystemd zlib libzstd

CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -I. -Wall -Wextra -Wpedantic -Wconversion -Werror -fno-omit-frame-pointer \
             -fno-common -pthread $(CFLAGS) $(SAN_FLAGS) -MMD -MP
ifeq ($(SAN),1)
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
endif
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# A role links what it uses: each library that comes along costs every process its relocations.
LDLIBS := -Wl,--as-needed -lzmq -lczmq -lcurl -lssl -lcrypto -lcjson -liniparser -lsqlite3 -lsystemd -lz -lzstd -lm
SIM_LDLIBS := -lwebsockets -levent -levent_openssl -levent_extra -levent_core

ROLES := market_gateway signal_engine strategy_runner trading_engine position_server risk_monitor venue_simulator

# What belongs to what is where it lies: no list of files to keep.
COMMON_SRC := $(wildcard common/leaf/*.c common/pure/*.c common/edge/*.c common/edge/net/*.c)
VENUE_SRC := $(filter-out venues/%/sim.c,$(filter-out $(wildcard venues/*/sim_*.c),$(wildcard venues/*.c venues/*/*.c)))
LINK_SRC := $(wildcard venue_link/*.c)
SIM_SRC := $(wildcard venues/*/sim.c venues/*/sim_*.c)
role_src = $(filter-out $(1)/main.c,$(wildcard $(1)/*.c $(1)/*/*.c))
CLI_SRC := $(filter-out cli/zmq_test.c,$(wildcard cli/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

objects = $(patsubst %.c,$(B)/%.o,$(1))
ROLE_LIBS := $(foreach r,$(ROLES),$(B)/lib$(r).a)
LIBS := $(B)/libvenue_link.a $(B)/libvenues.a $(B)/libcommon.a

.PHONY: all deps build tests check demo clean format docs
.SECONDARY:

all: build

ROLE_BINS := $(foreach r,$(ROLES),$(if $(wildcard $(r)/main.c),$(BIN)/$(r)))
build: $(ROLE_BINS) $(if $(wildcard cli/main.c),$(BIN)/tickpipe) $(if $(wildcard cli/zmq_test.c),$(BIN)/zmq_test)

tests: build $(addprefix $(B)/tests/unit/,$(UNIT_TESTS))

$(B)/%.o: %.c
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Written only when it changes: a commit links the programs anew and compiles nothing else.
$(B)/version.c: FORCE
	@mkdir -p $(B)
	@echo 'const char tickpipe_version[] = "$(VERSION)";' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(B)/version.o: $(B)/version.c
	$(CC) -c -o $@ $<
FORCE:

define archive
@mkdir -p $(dir $@)
@rm -f $@
ar rcs $@ $(filter %.o,$^)
endef

$(B)/libcommon.a: $(call objects,$(COMMON_SRC))
	$(archive)
$(B)/libvenues.a: $(call objects,$(VENUE_SRC))
	$(archive)
$(B)/libvenue_link.a: $(call objects,$(LINK_SRC))
	$(archive)
$(B)/libsims.a: $(call objects,$(SIM_SRC))
	$(archive)

define role_rules
$(B)/lib$(1).a: $(call objects,$(call role_src,$(1)))
	$$(archive)
$(BIN)/$(1): $(B)/$(1)/main.o $(B)/version.o $(B)/lib$(1).a $(if $(filter venue_simulator,$(1)),$(B)/libsims.a) $(LIBS)
	@mkdir -p $$(dir $$@)
	$(CC) $(SAN_FLAGS) -pthread -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$(if $(filter venue_simulator,$(1)),$(SIM_LDLIBS)) $(LDLIBS)
endef
$(foreach r,$(ROLES),$(eval $(call role_rules,$(r))))

# The doctor listens with the gateway's own eyes.
$(BIN)/tickpipe: $(call objects,$(CLI_SRC)) $(B)/version.o $(B)/libmarket_gateway.a $(B)/trading_engine/keys.o $(LIBS)
	@mkdir -p $(dir $@)
	$(CC) $(SAN_FLAGS) -pthread -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)
$(BIN)/zmq_test: $(B)/cli/zmq_test.o $(B)/version.o $(LIBS)
	@mkdir -p $(dir $@)
	$(CC) $(SAN_FLAGS) -pthread -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

# A unit test may include anything; the linker takes what it uses.
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(ROLE_LIBS) $(B)/libsims.a $(LIBS)
	@mkdir -p $(dir $@)
	$(CC) $(SAN_FLAGS) -pthread -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(SIM_LDLIBS) $(LDLIBS)

# Fuzz targets: clang's libFuzzer, ASan and UBSan, in a tree of their own.
FB := build-fuzz
FUZZ_CFLAGS := -std=c17 -D_GNU_SOURCE -I. -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -pthread -MMD -MP
$(FB)/%.o: %.c
	@mkdir -p $(dir $@)
	clang $(FUZZ_CFLAGS) -c -o $@ $<
$(FB)/libfuzzed.a: $(patsubst %.c,$(FB)/%.o,$(COMMON_SRC) $(VENUE_SRC) $(LINK_SRC) $(call role_src,market_gateway) \
                     $(call role_src,trading_engine))
	$(archive)
$(FB)/fuzz_%: $(FB)/tests/fuzz/fuzz_%.o $(FB)/libfuzzed.a
	clang -fsanitize=fuzzer,address,undefined -pthread -o $@ $< $(FB)/libfuzzed.a $(LDLIBS)
fuzzers: $(addprefix $(FB)/,$(FUZZERS))

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-* bin

-include Makefile.targets

-include $(shell find $(B) $(FB) -name '*.d' 2>/dev/null)
