"""Stand in for the clouds: small ASGI applications over one scripted fleet of jobs.

The simulators import nothing of the exporter, so that they cannot share its mistakes: each checks
signatures, headers, parameters and paging as the vendor documents them, quirks included.
"""
