#!/bin/sh
# After the files are there, also those of a newer version.
set -e
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers streaming-job-exporter.conf
    systemd-tmpfiles --create streaming-job-exporter.conf
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # Only where it runs already: a new one is to be configured first.
    systemctl try-restart streaming-job-exporter.service || true
fi
