#!/bin/sh
# Configuration, secrets and the journal stay, unless Debian is told to purge them.
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi
if [ "${1:-}" = purge ]; then
    rm -rf /etc/streaming-job-exporter /var/lib/streaming-job-exporter
fi
