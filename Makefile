# boltseal's front door. The work is done by meson (meson.build), tools/ and demo/.
BUILD := build
ASAN := build-asan
FUZZ := build-fuzz
# Seconds for each target of `make fuzz`.
FUZZ_SECONDS := 60
# Some of Debian's programs (bpftool, apparmor_parser) lie where a user's PATH does not lead.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help build check demo bench bench-profiles bench-phases fuzz install clean format deps

help:
	@echo 'make demo     the whole idea in one run: record, seal and attack an nginx container'
	@echo 'make check    build and run every test'
	@echo 'make build    build build/boltseal'
	@echo 'make install  install it with manual pages and completion (PREFIX: meson -Dprefix)'
	@echo 'make bench    measure what recording and filters cost'
	@echo 'make bench-profiles  measure how good profiles of twelve Debian services are'
	@echo 'make bench-phases    check start-up and serving, as analyze tells them apart, against them'
	@echo 'make fuzz     let each fuzz target search for $(FUZZ_SECONDS) s (FUZZ_SECONDS=)'
	@echo 'make format   format the C files'
	@echo 'make deps     install the Debian packages that all this needs'
	@echo 'make clean    remove what was built'

build:
	@tools/build.sh $(BUILD)

check: deps
	@tools/build.sh $(BUILD) -Dtests=enabled -Dwerror=true
	@tools/build.sh $(ASAN) -Dtests=enabled -Db_sanitize=address,undefined
	@tools/run-tests.py --build $(BUILD) --asan $(ASAN) $(if $(CI),--again)

demo:
	@demo/demo.sh

bench: build
	@tools/install-deps.sh bench
	@tests/bench/run.sh

bench-profiles: build
	@tools/install-deps.sh bench
	@tests/bench/profiles/bench.py --boltseal $(BUILD)/boltseal

bench-phases: build
	@tools/install-deps.sh bench
	@tests/bench/profiles/phases.py --boltseal $(BUILD)/boltseal

fuzz:
	@CC=clang tools/build.sh $(FUZZ) -Dtests=enabled -Dlibfuzzer=true \
		-Db_sanitize=address,undefined -Db_lundef=false
	@tools/run-fuzz.sh $(FUZZ) $(FUZZ_SECONDS)

install: build
	@meson install --quiet --no-rebuild -C $(BUILD)

format:
	@find src tests demo -name '*.[ch]' -exec clang-format -i {} +

deps:
	@tools/install-deps.sh

clean:
	@rm -rf $(BUILD) $(ASAN) $(FUZZ)
