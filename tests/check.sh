#!/usr/bin/env bash
# The one check: formatting, lints, documentation, every test. Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --check
cargo test
cargo clippy --all-targets -- --deny warnings
cargo clippy --no-default-features --lib -- --deny warnings
RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --document-private-items
bash tests/dashboard/browser.sh
