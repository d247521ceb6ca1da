"""What the tests of crashes share."""

from tests.crash.runs import runs, runs_on_sqlite

__all__ = ["runs", "runs_on_sqlite"]
