"""Tests of what deployments are made of, without the tools that they are for."""
