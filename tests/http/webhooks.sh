#!/usr/bin/env bash
# Verifies deliveries of a running server with the published libraries of the Standard Webhooks specification: Python, and
# JavaScript and Rust where node and cargo are there.
#
#     pip install -r tests/http/requirements.txt
#     tests/http/webhooks.sh BINARY
set -euo pipefail
here=$(cd "$(dirname "$0")/webhooks" && pwd)
binary=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 "$here/verify.py" "$binary" "$work/captured.json"

if command -v node >/dev/null && command -v npm >/dev/null; then
    npm init --yes >/dev/null
    npm install --silent --no-audit --no-fund standardwebhooks@1 >/dev/null
    cp "$here/verify.mjs" .
    node verify.mjs captured.json
else
    echo "JavaScript: skipped, there is no node"
fi

if command -v cargo >/dev/null; then
    cp -r "$here/rust" rust
    cargo run --quiet --manifest-path rust/Cargo.toml -- captured.json
else
    echo "Rust: skipped, there is no cargo"
fi
