# The command that a checkout runs: `cargo run` builds it first, and passes its exit code on.
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

# Put the queue under load as the scenario says; further arguments go to `queue-load run`.
test-queue-load SCENARIO *ARGS:
    {{queue-load}} run {{SCENARIO}} {{ARGS}}

# Run a scenario and hold it against a baseline: a name given to `run --save-baseline`, or a file.
gate BASELINE SCENARIO="scenarios/smoke.toml" *ARGS:
    {{queue-load}} run {{SCENARIO}} --baseline {{BASELINE}} {{ARGS}}

# Prove the instrument on queues whose truth is known; under a minute.
selftest *ARGS:
    {{queue-load}} selftest {{ARGS}}

# The tests that need no real time to pass.
test *ARGS:
    cargo test --quiet --all-features {{ARGS}}

# All tests, those that take real time included.
test-all *ARGS:
    QUEUE_LOAD_SLOW_TESTS=1 cargo test --quiet --all-features {{ARGS}}

# Formatting, lints, documentation.
lint:
    cargo fmt --check
    cargo clippy --all-targets --all-features --quiet -- --deny warnings
    cargo check --quiet --no-default-features
    RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --all-features --quiet

# Does it compile for the platforms that it is not tested on?
targets *ARGS:
    .ci/targets {{ARGS}}

# Set up what the drivers in Python need: fapilog, pinned, in drivers/python/.venv.
python-drivers:
    drivers/python/setup

# The tests of the drivers in Python.
test-python:
    cd drivers/python && .venv/bin/python -m unittest --quiet

# What the instrument itself costs.
bench *ARGS:
    cargo bench --quiet {{ARGS}}

# Open a report's page in headless Chromium and check it; REPORT is any report (.json).
html-check REPORT:
    cargo build --quiet --profile {{profile}}
    python3 .ci/html_check.py {{binary}} {{REPORT}} target/html-check

# Make the README's pictures anew: runs SCENARIO, then draws its report in headless Chromium. A failing case is no fault here.
pictures SCENARIO="docs/pictures/scenario.toml":
    -{{queue-load}} run {{SCENARIO}} --quiet --output target/pictures.json >target/pictures.txt
    python3 .ci/pictures.py {{binary}} target/pictures.json docs/pictures

# Does the gate cry wolf, does it decide, and does it catch what is worse? Fills pools of repeats for at most so many
# minutes, going on where it was stopped, on a machine that does nothing else; then judges pairs drawn from them.
gate-trial MINUTES="45": && gate-trial-judge
    cargo bench --quiet --bench gate_trial -- measure --minutes {{MINUTES}}

# What the gate makes of the pools that are there, into docs/RESULTS.md. Measures nothing.
gate-trial-judge *ARGS:
    cargo bench --quiet --bench gate_trial -- judge --write docs/RESULTS.md {{ARGS}}

# So many whole pairs of SCENARIO by `run --ab-exec`, this program against itself: smoke takes about 2 minutes a pair.
gate-trial-pairs PAIRS="100" SCENARIO="scenarios/smoke.toml":
    cargo bench --quiet --bench gate_trial -- measure-pairs {{PAIRS}} --scenario {{SCENARIO}}

# Is a queue that does nothing ever accused, alone or beside processes that take the CPUs in bursts? And is one that
# starves its producers still? 200 repeats take eight minutes. Exit code 1 if not.
noop-trial REPEATS="200":
    cargo bench --quiet --bench noop_trial -- {{REPEATS}}

# How far from its bounds is the selftest on this machine, and how often does it call it wrong? 20 runs take ten minutes.
selftest-trial RUNS="20":
    cargo bench --quiet --bench selftest_trial -- {{RUNS}}

# Everything that decides whether a change lands.
ci:
    .ci/run
