"""The operators' channel: what is open, what waits for a person, and how such things end."""
