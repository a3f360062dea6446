"""Protect the listener: TLS, users, limits for whoever connects."""
