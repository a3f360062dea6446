"""Count what the exporter itself does, in a way that is cheap to show at each scrape."""
