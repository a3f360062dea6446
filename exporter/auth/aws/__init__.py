"""Prove to Amazon Web Services who is asking: signature version 4, and the ways to an identity.

Where several could be meant they are asked in the order of the vendor's own tools: environment,
profiles, web identity, container, instance. What is set up in one of them and cannot be used is
an error that names it: going on would sign as somebody else.
"""
