"""Measures how fast it is, always beside something else, and asserts nothing."""
