"""What the tests of crashes share."""

from tests.crash.runs import runs

__all__ = ["runs"]
