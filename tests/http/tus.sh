#!/usr/bin/env bash
# A published tus client against servers of its own, over a disk and over an object store: tus.sh BINARY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target="${CARGO_TARGET_DIR:-$here/../../target}"
python "$here/tus/client.py" --binary "$1"
python "$here/tus/client.py" --binary "$1" --s3 "$target/debug/examples/s3_server"
