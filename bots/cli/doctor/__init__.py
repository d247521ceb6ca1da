"""Examines an installation step by step, before and after it goes live: what is broken, and how to repair it."""
