# Start here: `make onebox`. Every target installs by itself what the machine lacks.

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
PEGASUS := $(TARGET_DIR)/release/pegasus

# Many simulated runs, and the bugs that they must find: with features that no server has.
CAMPAIGNS := --package pegasus-sim --package pegasus-pacifica --package pegasus-meta --package pegasus-log \
	--package pegasus-metastore \
	--features pegasus-sim/reach,pegasus-sim/planted,pegasus-log/planted,pegasus-metastore/planted \
	--test campaign --test planted --test model --test power_cut --test simulated_group

.PHONY: help setup onebox stop test test-clients fuzz lint fix bench

help:
	@echo 'make onebox   build, then start a local cluster: three meta servers, three replica servers'
	@echo 'make stop     stop it and keep its data'
	@echo 'make test     every test, among them crashes and the official Python client'
	@echo 'make test-clients  our tests of the official Python, Go, Java and Node.js clients (docs/clients.md)'
	@echo 'make fuzz     libFuzzer on everything that reads bytes from outside, FUZZ_SECONDS for each'
	@echo 'make lint     formatting, clippy, licences and sources of the dependencies'
	@echo 'make fix      repair what can be repaired by machine'
	@echo 'make bench    measure put and get beside Redis; figures go to docs/performance.md'

setup:
	@tools/setup.sh

onebox: setup
	cargo build --release --package pegasus-cli
	$(PEGASUS) onebox start

stop:
	$(PEGASUS) onebox stop

# One profile (dev) for the unit tests, the black-box tests and the binary that these start.
test: setup
	cargo build --workspace
	cargo test --workspace
	cargo test $(CAMPAIGNS)

# Python always; the others where PEGASUS_UPSTREAM names a checkout of the original's repository.
test-clients: setup
	cargo build --package pegasus-cli
	tests/clients/run --pegasus $(TARGET_DIR)/debug/pegasus

# The short run of every target, without libFuzzer, is in `make test`.
fuzz: setup
	tools/fuzz.sh

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	tools/deny.sh

fix: setup
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all

bench:
	@tools/setup.sh bench
	cargo build --release --package pegasus-cli
	tools/bench.py --pegasus $(PEGASUS)
