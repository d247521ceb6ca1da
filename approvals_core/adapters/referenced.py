"""Secrets that a tenant's file refers to: in the environment, or in a file of their own."""

from collections.abc import Mapping
from pathlib import Path

from approvals_core.adapters.small_files import read_small

LONGEST = 64 * 1024  # bytes of a secret's file: a certificate with its key has a few thousand
_VARIABLE, _FILE = "env:", "file:"


class SecretMissing(Exception):
    """A reference leads to nothing; the message says what is missing, never a secret."""


class References:
    """Reads what references lead to. *environment* holds the variables, by name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def read(self, reference: str) -> str:
        """
        Return the secret behind ``env:NAME`` or ``file:/path``, without white space around it.

        Blocking. It is read anew each time, so that a secret can be replaced.

        Raises:
            SecretMissing: There is no such variable or file, or nothing is in it.
        """
        if reference.startswith(_VARIABLE):
            secret = self._environment.get(reference.removeprefix(_VARIABLE), "")
        else:
            secret = _text_of(Path(reference.removeprefix(_FILE)))
        if not secret.strip():
            raise SecretMissing(f"nothing is in {reference}")
        return secret.strip()


def _text_of(path: Path) -> str:
    try:
        return read_small(path, LONGEST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise SecretMissing(f"file:{path} cannot be read: {why}") from None
