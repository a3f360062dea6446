"""Ask the platforms' APIs: connections, requests within limits, and how each vendor says no.

From the inside out: `transport` carries one request over a pooled connection, `exchange` reads its
answer within bounds, `client` paces, repeats and counts, `connector` opens all this for a source.
"""
