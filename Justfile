# The command that a checkout runs: `cargo run` builds it first, and passes its exit code on.
profile := env("QUEUE_LOAD_PROFILE", "release")
queue-load := "cargo run --quiet --profile " + profile + " --bin queue-load --"

# List the recipes.
default:
    @just --list

# Put the queue under load as the scenario says; further arguments go to `queue-load run`.
test-queue-load SCENARIO *ARGS:
    {{queue-load}} run {{SCENARIO}} {{ARGS}}

# Prove the instrument on queues whose truth is known; under a minute.
selftest *ARGS:
    {{queue-load}} selftest {{ARGS}}

# The tests that need no real time to pass.
test *ARGS:
    cargo test --quiet {{ARGS}}

# All tests, those that take real time included.
test-all *ARGS:
    QUEUE_LOAD_SLOW_TESTS=1 cargo test --quiet {{ARGS}}

# Formatting, lints, documentation.
lint:
    cargo fmt --check
    cargo clippy --all-targets --quiet -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --quiet

# What the instrument itself costs.
bench *ARGS:
    cargo bench --quiet {{ARGS}}

# Does the gate cry wolf, and does it catch what is slower? Measures so many pairs of reports, going on where it was
# stopped, on a machine that does nothing else: 100 take half an hour. Then says what the gate makes of them.
gate-trial PAIRS="100":
    cargo bench --quiet --bench gate_trial -- measure {{PAIRS}}
    cargo bench --quiet --bench gate_trial -- judge

# Everything that decides whether a change lands.
ci:
    .ci/run
