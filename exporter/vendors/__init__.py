"""Keep what several platforms of one vendor share, so that no platform needs another.

Endpoints, ways to log in and common shapes of answers live here; what one platform alone knows
stays in its own module.
"""
