"""Tests of single chapters: what each tells of is all that there is."""
