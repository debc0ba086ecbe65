# The few commands of this project; each checks for what it needs.

CARGO ?= cargo
MUSL = x86_64-unknown-linux-musl
MACOS = aarch64-apple-darwin x86_64-apple-darwin
# `dev` links in a fraction of the time: nobody runs what it makes.
MACOS_PROFILE ?= release
# Where the programs for a target land.
macos_made = $(or $(CARGO_TARGET_DIR),target)/$(1)/$(MACOS_PROFILE:dev=debug)/
# The first macOS on Apple processors. Without this, the programs would start only on the one that zig knows best.
OLDEST_MACOS = 11.0
# The most bytes that the stripped static program may have: 6.1 MB.
STATIC_LIMIT = 6100000

# No path of this machine is in the static program, so that the same sources give the same bytes everywhere: those of the crates, of this
# directory, of what is built, and of the standard library, if its sources are installed.
remap = --remap-path-prefix=$(1)=$(2)
REMAP = $(call remap,$(or $(CARGO_HOME),$(HOME)/.cargo),/cargo) $(call remap,$(CURDIR),/project) \
	$(call remap,$(abspath $(or $(CARGO_TARGET_DIR),target)),/project/target) \
	$(call remap,$(shell rustc --print sysroot)/lib/rustlib/src/rust,/rustc/$(shell rustc -vV | sed -n 's/^commit-hash: //p'))

# The program that asks key services is a workspace of its own. What it is built of lies beside the rest.
KEY_SERVICES = --locked --manifest-path key-services/Cargo.toml --target-dir $(abspath $(or $(CARGO_TARGET_DIR),target))
# The most bytes that it may have as a static program: 3 MB.
KEY_SERVICES_LIMIT = 3000000

# The man page and the shell completions land here.
ASSETS = $(CURDIR)/target/assets
# What `cargo build` makes.
PROGRAM = $(abspath $(or $(CARGO_TARGET_DIR),target))/debug/sops-install-secrets

.PHONY: help build demo test test-program test-nix bench bench-short growth growth-short static key-services macos reproducible sbom boot upstream fuzz lint deny advisories docs fixtures

help:
	@echo 'make demo     the main job on sample files; leaves nothing behind'
	@echo 'make test     everything that runs on this machine (TEST_FLAGS go to the test programs; test-program, test-nix: a part of it)'
	@echo 'make build    the programs, their man pages and shell completions, in target/release and target/assets'
	@echo 'make bench    a table of wall time, CPU and memory, and docs/performance.svg (bench-short: a quick one);'
	@echo '              SOPS_NIX_PROGRAM names another program, which runs in turn'
	@echo 'make growth   whether files made to take long take longer than their size allows (growth-short: smaller files)'
	@echo 'make static   a static program for musl, and a check of its size'
	@echo 'make key-services   the static program that asks key services, and a check of its size'
	@echo 'make macos    the programs for both processors of Macs, linked by cargo-zigbuild, and the libraries that they need'
	@echo 'make reproducible   the static program a second time, elsewhere: are both the same bytes'
	@echo 'make sbom     the crates in the static program, as CycloneDX, in target/sbom: docs/releasing.md'
	@echo 'make boot     real boots of a Debian system in QEMU, without Nix: vm-tests/boot/README.md'
	@echo 'make upstream   the VM tests of sops-nix, with our module, in containers; SOPS_NIX names a checkout: vm-tests/upstream/README.md'
	@echo 'make fuzz     every fuzz target for FUZZ_SECONDS: fuzz/README.md'
	@echo 'make lint     formatting and clippy, as .ci/run has them'
	@echo 'make deny     licences, sources and double versions of all crates: deny.toml'
	@echo 'make advisories   whether a crate has a known fault; this fetches the list of RustSec'
	@echo 'make docs     the site of the documents, in target/site; needs mdBook'
	@echo 'make fixtures SOPS_VERSIONS=DIRECTORY   the encrypted files of the tests, made anew'

build:
	SOPS_ASSETS=$(ASSETS) $(CARGO) build --release

demo:
	bash demo/run.sh

# Root runs more: real mounts and owners, in private mount namespaces. What cannot run says `skipped:` and why.
# Both parts at a time: the first spends minutes waiting for what takes too long, and the second needs one processor. What both need is built before.
test:
	$(CARGO) test --no-run
	$(CARGO) test $(KEY_SERVICES) --no-run
	$(MAKE) --jobs=2 test-program test-nix

test-program:
	$(CARGO) build $(KEY_SERVICES)
	$(CARGO) test --no-fail-fast -- $(TEST_FLAGS)
	$(CARGO) test $(KEY_SERVICES) --no-fail-fast -- $(TEST_FLAGS)

# The Nix side: what it needs beyond this repository, and skips where it is missing, is in tests/nix/README.md.
test-nix:
	$(CARGO) build
	$(CARGO) build $(KEY_SERVICES)
	SOPS_INSTALL_SECRETS=$${SOPS_INSTALL_SECRETS:-$(PROGRAM)} bash tests/nix/run.sh

bench:
	$(CARGO) bench --bench install -- --picture $(CURDIR)/docs/performance.svg

bench-short:
	$(CARGO) bench --bench install -- --short

growth:
	$(CARGO) bench --bench growth

growth-short:
	$(CARGO) bench --bench growth -- --short

static:
	@command -v rustup > /dev/null && rustup target add $(MUSL) || echo 'no rustup: taking it that the target $(MUSL) is there'
	RUSTFLAGS="$$RUSTFLAGS $(REMAP)" SOPS_ASSETS=$(ASSETS) $(CARGO) build --release --locked --target $(MUSL)
	@size=$$(stat -c %s $${CARGO_TARGET_DIR:-target}/$(MUSL)/release/sops-install-secrets); \
	echo "$$size bytes, of $(STATIC_LIMIT) at most"; test "$$size" -lt $(STATIC_LIMIT)

key-services:
	CC_$(subst -,_,$(MUSL))=gcc $(CARGO) build --release $(KEY_SERVICES) --target $(MUSL)
	@size=$$(stat -c %s $${CARGO_TARGET_DIR:-target}/$(MUSL)/release/sops-key-services); \
	echo "$$size bytes, of $(KEY_SERVICES_LIMIT) at most"; test "$$size" -lt $(KEY_SERVICES_LIMIT)

macos:
	MACOSX_DEPLOYMENT_TARGET=$(OLDEST_MACOS) $(CARGO) zigbuild --bins --locked --profile $(MACOS_PROFILE) $(MACOS:%=--target %)
	tests/macos/look.py $(foreach target,$(MACOS),$(addprefix $(call macos_made,$(target)),sops-install-secrets sops-nix))

reproducible: static
	release/reproducible.sh

sbom:
	release/sbom.sh

boot: static
	python3 vm-tests/boot/run.py

# What it needs, and skips where it is missing, is in vm-tests/upstream/README.md.
upstream: static
	python3 vm-tests/upstream/run.py

FUZZ_SECONDS ?= 120
fuzz:
	fuzz/run.sh $(FUZZ_SECONDS)

lint:
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path fuzz/Cargo.toml
	$(CARGO) fmt --check --manifest-path key-services/Cargo.toml
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy $(KEY_SERVICES) --all-targets -- -D warnings

# An exception in deny.toml that nothing needs any more is an error too. The fuzz targets need other ones.
deny:
	$(CARGO) deny --locked check -D warnings -A license-exception-not-encountered licenses bans sources
	$(CARGO) deny --locked --manifest-path fuzz/Cargo.toml --config deny.toml check -A unmatched-skip licenses bans sources
	$(CARGO) deny --locked --manifest-path key-services/Cargo.toml --config key-services/deny.toml check -A license-exception-not-encountered licenses bans sources

advisories:
	$(CARGO) deny --locked check advisories
	$(CARGO) deny --locked --manifest-path fuzz/Cargo.toml --config deny.toml check advisories
	$(CARGO) deny --locked --manifest-path key-services/Cargo.toml --config key-services/deny.toml check advisories

docs:
	docs/site.sh target/site

fixtures:
	tests/fixtures/make.sh $(SOPS_VERSIONS)
