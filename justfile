# The commands of the project in one place. `just` is not required: every recipe is a plain command that can be typed.

# List the recipes.
default:
    @just --list

# Build the release binary.
build:
    cargo build --locked --release

# Run all tests; installs redis-server where it can.
test:
    sh tests/all.sh

# Everything that a change must pass: format, lints, documentation, tests.
ci:
    .ci/run

# Check the format and the lints (also that nothing newer than rust-version in Cargo.toml is used).
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Check the pages against the program, and build the documentation of the code.
docs:
    cargo test --locked --test docs
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# Check licences and advisories of the dependencies (cargo install cargo-deny).
deny:
    cargo deny --locked check

# Measure all rows and write them into docs/performance.md (about nine minutes), or some rows: just bench spawn idle
bench *rows:
    cargo bench --locked --bench table -- {{rows}}

# Measure pure code: points, rendering, extraction, records.
bench-micro:
    cargo bench --locked --bench micro

# Inject faults for ten minutes on each store, with the seed that CI uses.
chaos seconds="600":
    CHAOS_SECONDS={{seconds}} cargo test --locked --test chaos -- --nocapture

# The same with a random seed, which the test prints.
chaos-random seconds="600":
    CHAOS_SECONDS={{seconds}} CHAOS_SEED=random cargo test --locked --test chaos -- --nocapture

# The same with a given seed, to repeat a run: just chaos-seed 42
chaos-seed seed seconds="600":
    CHAOS_SECONDS={{seconds}} CHAOS_SEED={{seed}} cargo test --locked --test chaos -- --nocapture

# Edit inputs at random while sweeps run, on both stores: no table may mix results of different inputs.
edits seconds="600":
    EDITS_SECONDS={{seconds}} CHAOS_SEED=random cargo test --locked --test chaos edits -- --nocapture
