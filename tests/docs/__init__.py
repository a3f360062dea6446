"""Tests of the documents: both languages say the same, all of it is true, and every block works."""
