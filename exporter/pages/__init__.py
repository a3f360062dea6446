"""Show people what the exporter knows: an overview of sources and jobs, and a page per job.

The pages are rendered here, without JavaScript; `static/live.js` only keeps them fresh. What a page
says is decided by pure functions from snapshots to plain values (`overview`, `details`, `unseen`),
how it looks by templates that know nothing else.
"""
