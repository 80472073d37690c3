#!/bin/sh
# Passes all tests. Installs redis-server where it is missing and can be installed (Debian and its kin, as root);
# elsewhere says what to install. Changes nothing else outside the target folder.
set -eu
cd "$(dirname "$0")/.."

if ! command -v redis-server >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
        echo "installing redis-server, which the tests start and stop themselves (apt-get install redis-server)"
        apt-get update -qq
        # The package's own service is not wanted: the tests start servers on free ports.
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends redis-server >/dev/null
    else
        echo "the tests need redis-server 7.0 or newer, which is not on this machine; install it, then run this again:" >&2
        echo "  Debian, Ubuntu:  sudo apt-get install redis-server" >&2
        echo "  Fedora:          sudo dnf install redis (or valkey)" >&2
        echo "  macOS:           brew install redis" >&2
        exit 1
    fi
fi

echo "running all tests with $(redis-server --version | cut -d ' ' -f 1-3)"
# Most of their time the tests wait for processes: more of them at once than there are cores do no harm.
RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}" cargo test --locked --all-targets "$@"
