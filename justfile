# Each recipe is a plain command; `just` only remembers it.

set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes.
default:
    @just --list

# Formatting, lints, docs, licences, dependency arrows.
check: arrows doc
    cargo fmt --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo deny check licenses bans sources

# Everything; PostgreSQL tests start a private cluster where `initdb` is found.
test:
    cargo test --workspace

# The same, where a skipped PostgreSQL test is a failure. Set PROBITY_TEST_DATABASE_URL to use a server of your own.
test-pg:
    CI=true cargo test --workspace

# Measure the server under load; see docs/performance.md.
bench *arguments:
    cargo run --release -p probity-bench -- {{arguments}}

# Print the OpenAPI 3.1 document.
openapi:
    @cargo run --quiet -- openapi

# A throw-away server with a sample organisation.
demo *arguments:
    cargo run --release -- demo {{arguments}}

# Apply pending migrations to the database of DATABASE_URL, or to ./probity-data.
migrate:
    cargo run --quiet -- org list

# The API documentation of all crates, with warnings as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Prove which crate may depend on which.
arrows:
    .ci/arrows

# Kill the server again and again under load; nothing acknowledged may be lost.
crash kills='20' database='sqlite':
    cargo build --release
    python3 tests/crash/kill9.py --binary target/release/probity --database {{database}} --kills {{kills}}
