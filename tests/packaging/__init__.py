"""Tests of what is installed, with the tools that install it."""
