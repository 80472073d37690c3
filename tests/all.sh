#!/bin/sh
# Runs all tests. If redis-server is missing, installs it (on Debian and related systems, as root); on other systems prints
# what to install. Changes nothing else outside the target folder.
set -eu
cd "$(dirname "$0")/.."

if ! command -v redis-server >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
        echo "installing redis-server, which the tests need (apt-get install redis-server)"
        apt-get update -qq
        # RUNLEVEL=1: do not start the service of the package. The tests start their own servers on free ports.
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends redis-server >/dev/null
    else
        echo "the tests need redis-server 7.0 or newer, which is not installed; install it and run this command again:" >&2
        echo "  Debian, Ubuntu:  sudo apt-get install redis-server" >&2
        echo "  Fedora:          sudo dnf install redis (or valkey)" >&2
        echo "  macOS:           brew install redis" >&2
        exit 1
    fi
fi

echo "running all tests with $(redis-server --version | cut -d ' ' -f 1-3)"
# The tests wait for processes most of the time, so more of them than cores may run at once.
RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}" cargo test --locked --all-targets "$@"
