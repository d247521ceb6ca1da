"""How a server must be set before anything is written to it: so that it keeps what it acknowledges."""

from collections.abc import Mapping, Sequence
from typing import Any

from approvals_core.adapters.redis_store.address import Durability
from approvals_core.errors import StoreRefused

NEEDED: Mapping[str, Sequence[str]] = {
    "appendonly": ("yes",),
    "appendfsync": ("always",),  # anything else loses what was acknowledged when the power fails
    "maxmemory-policy": ("noeviction",),  # else approvals are thrown away when memory is short
}
NEEDED_EVERYSEC = {**NEEDED, "appendfsync": ("everysec", "always")}

_POLICY = "maxmemory_policy:"  # a line of what INFO says (https://valkey.io/commands/info/)


def looks(durability: Durability) -> Sequence[Sequence[str]]:
    """Return the commands whose answers `check_durable` reads."""
    if durability is Durability.MANAGED:
        return [("INFO", "memory")]
    return [("CONFIG", "GET", name) for name in NEEDED]


def check_durable(durability: Durability, answers: Sequence[Any]) -> None:
    """
    Read what a server answered to `looks`; an answer may be an error.

    Raises:
        StoreRefused: It may lose what it acknowledges, or does not say; the message says what to do.
    """
    if durability is Durability.MANAGED:
        _check_eviction(answers[0])
    else:
        _check_settings(durability, answers)


def _check_eviction(memory: Any) -> None:
    """Look at what even managed servers show; what they hide their operator answers for."""
    policies = [line for line in str(memory).splitlines() if line.startswith(_POLICY)]
    if not policies:
        why = (
            f"it says {memory}" if isinstance(memory, Exception) else "INFO memory has no such line"
        )
        raise StoreRefused(
            "Redis does not show whether it throws approvals away when memory is short"
            f" (maxmemory_policy; {why}): allow INFO to this user."
        )
    if policies[0].removeprefix(_POLICY) != "noeviction":
        raise StoreRefused("Set in the configuration of Redis: maxmemory-policy noeviction.")


def _check_settings(durability: Durability, answers: Sequence[Any]) -> None:
    if errors := [answer for answer in answers if isinstance(answer, Exception)]:
        raise StoreRefused(
            f"Redis does not show its settings ({errors[0]}): allow CONFIG GET to this user, or, if"
            " those who run it answer for what is kept, add durability=managed to the address."
        )
    needed = NEEDED if durability is Durability.ALWAYS else NEEDED_EVERYSEC
    found = {answer[0]: answer[1] for answer in answers if answer}
    wrong = [f"{name} {good[0]}" for name, good in needed.items() if found.get(name) not in good]
    if wrong:
        raise StoreRefused(f"Set in the configuration of Redis: {', '.join(wrong)}.")
