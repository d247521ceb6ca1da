"""How an approval may change: pure functions from an approval to a change."""
