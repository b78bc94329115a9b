# The usual ways into this repository; `make` alone lists them.
# Everything runs on Debian or Ubuntu with Rust and nothing else: `setup` installs what is missing.

CARGO ?= cargo
# More arguments for the demo, for example: make demo DEMO_ARGS="--epochs 3 --data DIR"
DEMO_ARGS ?=
# More arguments for the benchmarks, for example: make bench BENCH_ARGS="--bench convolution"
BENCH_ARGS ?=
# More arguments for the comparison, for example: make peers PEERS_ARGS=--full
PEERS_ARGS ?=
# Networks for the parity table, all if none, for example: make parity PARITY_ARGS=mobilenet_v2
PARITY_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup testdata demo test test-full fmt figures-check clippy package unit doc examples test-mesa22 test-lanes bench peers parity figures \
  measure quotes goldens clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: linker, Python, Vulkan driver, Fashion-MNIST (Debian, Ubuntu)
	@scripts/setup.sh

testdata: ## Install ONNX's own test data, which the tests run (Debian, Ubuntu)
	@scripts/testdata.sh

demo: ## Train a CNN on Fashion-MNIST; pictures and weights go to out/demo
	@scripts/setup.sh -- $(DEMO_ARGS)
	$(CARGO) run --release --bin tilewright -- train --demo --output out/demo $(DEMO_ARGS)

# Each check also alone, in the order from quick to slow: make fmt, make clippy, …
test: setup testdata ## Everything that CI checks: format, lints, all tests, docs, examples
	@$(MAKE) --no-print-directory fmt
	@$(MAKE) --no-print-directory figures-check
	@$(MAKE) --no-print-directory clippy
	@$(MAKE) --no-print-directory package
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory doc
	@$(MAKE) --no-print-directory examples

test-full: setup testdata ## The tests with every case of every sweep, which takes an hour
	CARGO=$(CARGO) TILEWRIGHT_TEST_SWEEP=full scripts/test.sh

fmt:
	$(CARGO) fmt --all --check

figures-check:
	scripts/figures.py --check

clippy:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# That every crate could be published; what a build needs was fetched for the one above.
package:
	$(CARGO) package --workspace --no-verify --allow-dirty --offline --quiet

unit:
	CARGO=$(CARGO) scripts/test.sh

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

examples:
	scripts/examples.sh

test-mesa22: setup testdata ## The tests again on Debian 12's own, older software driver
	scripts/with-mesa22.sh $(CARGO) test --workspace

# Mesa's shader cache does not ask how many lanes a program was compiled for.
test-lanes: setup ## The kernels' tests again with subgroups of 4 and of 16 lanes (software Vulkan)
	@for bits in 128 512; do \
	  echo "LP_NATIVE_VECTOR_WIDTH=$$bits"; \
	  LP_NATIVE_VECTOR_WIDTH=$$bits MESA_SHADER_CACHE_DISABLE=true TILEWRIGHT_CACHE= $(CARGO) test \
	    --test matmul --test convolution --test convolution_backward --test elementwise --test pooling \
	    --test normalization --test reduction --test softmax --test movement --test loss --test optimizer --test random || exit 1; \
	done

bench: setup ## The benchmarks
	$(CARGO) bench --workspace $(BENCH_ARGS)

peers: setup ## The same work on other libraries and on ours; writes benches/results
	benches/peers/run.sh $(PEERS_ARGS)

measure: setup ## Everything that README and docs show, as one run; writes benches/results
	scripts/measure.py

parity: ## Every network of the zoo beside torchvision's and timm's; writes docs/parity.md
	$(CARGO) build --release --bin tilewright
	scripts/parity.sh $(PARITY_ARGS)

figures: ## Write the figures of README and docs from benches/results
	scripts/figures.py

quotes: ## Write the code that the documents quote, and the list of their commands
	TILEWRIGHT_WRITE_DOCS=1 $(CARGO) test --test docs
	TILEWRIGHT_WRITE_DOCS=1 $(CARGO) test -p tilewright-cli --test commands

goldens: ## Make the golden files anew with PyTorch
	scripts/goldens.sh

clean: ## Remove all that was built and written
	$(CARGO) clean
	rm -rf out
