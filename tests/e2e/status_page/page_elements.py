"""What tests look at on the status page, and how they make it refresh."""

REFRESH = 'document.dispatchEvent(new Event("visibilitychange"))'
ROWS = ".job-table tbody tr"
NAMES = f"{ROWS} th a"
