"""Words that a newer program may have more of: read, kept as they are, and never taken for one of ours."""

from enum import IntEnum, StrEnum
from typing import Self


class OpenWords(StrEnum):
    """
    An enum of stored words. One that is not among its members is a member, too, but not *known*.

    It is written back as it came, equals itself, and is none of the others: a `match` must
    have its `case _`, and whoever asks "is it not …" asks for *known* as well.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        made = str.__new__(cls, value)
        made._name_ = made._value_ = value
        return made

    @property
    def known(self) -> bool:
        """Tell whether this program knows what it means."""
        return any(self is each for each in type(self))


class OpenNumbers(IntEnum):
    """What `OpenWords` is, of stored numbers."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        made = int.__new__(cls, value)
        made._name_, made._value_ = str(value), value
        return made

    @property
    def known(self) -> bool:
        """Tell whether this program knows what it means."""
        return any(self is each for each in type(self))
