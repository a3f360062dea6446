#!/bin/sh
# Debian says "upgrade" or "remove", RPM how many versions will be left.
set -e
case "${1:-}" in
    upgrade | failed-upgrade | deconfigure | 1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
    systemctl disable --now streaming-job-exporter.service || true
fi
