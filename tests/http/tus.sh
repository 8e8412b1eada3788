#!/usr/bin/env bash
# A published tus client against a server of its own: tus.sh BINARY
set -euo pipefail
python "$(dirname "$0")/tus/client.py" --binary "$1"
