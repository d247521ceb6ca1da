"""Which Redis may hold approvals: one that keeps what it acknowledged, and is no cache."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from approvals_core.adapters.redis_store.address import Address, Durability
from approvals_core.adapters.redis_store.keys import ABOUT
from approvals_core.adapters.redis_store.wire import Command, Wire
from approvals_core.adapters.stored import SCHEMA
from approvals_core.errors import StoreRefused

log = logging.getLogger(__name__)

NEEDED: Mapping[str, Sequence[str]] = {
    "appendonly": ("yes",),
    "appendfsync": ("always",),  # anything else loses what was acknowledged when the power fails
    "maxmemory-policy": ("noeviction",),  # else approvals are thrown away when memory is short
}
NEEDED_EVERYSEC = {**NEEDED, "appendfsync": ("everysec", "always")}


async def check_settings(wire: Wire, address: Address) -> None:
    """
    Compare every primary's role, settings and replicas with what we need.

    Raises:
        StoreRefused: Some are unsafe, or cannot be read; the message says what to do.
    """
    safety = address.safety
    looks: list[Command] = [("ROLE",), ("CLUSTER", "SLOTS"), ("INFO", "memory")]
    looks += [("CONFIG", "GET", name) for name in NEEDED]
    looks.append(("WAIT", safety.wait_replicas, safety.wait_ms))
    for name, answers in (await wire.everywhere(*looks)).items():
        role, slots, memory, *settings, replicas = answers
        _check_role(name, role)
        _check_kind(address, slots)
        if safety.durability is Durability.MANAGED:
            _check_eviction(memory)
        else:
            _check(safety.durability, settings)
        _check_replicas(safety.wait_replicas, replicas)
    if safety.durability is not Durability.ALWAYS:
        log.warning("redis_may_lose", extra={"durability": safety.durability.value})


def _check_role(name: str, role: Any) -> None:
    if isinstance(role, list) and role[0] != "master":
        raise StoreRefused(
            f"The Redis at {name or 'this socket'} is a replica: give the address of the primary,"
            " or of the sentinels with redis+sentinel://."
        )


def _check_kind(address: Address, slots: Any) -> None:
    if not address.kind and isinstance(slots, list) and slots:
        raise StoreRefused("This Redis is a cluster: write redis+cluster:// in its address.")


def _check_eviction(memory: Any) -> None:
    """Look at what even managed servers show; what they hide their operator answers for."""
    lines = str(memory).splitlines()
    policies = [line.partition(":")[2] for line in lines if line.startswith("maxmemory_policy:")]
    if any(policy != "noeviction" for policy in policies):
        raise StoreRefused("Set in the configuration of Redis: maxmemory-policy noeviction.")


def _check(durability: Durability, answers: Sequence[Any]) -> None:
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


def _check_replicas(asked: int, found: Any) -> None:
    if not asked:
        return
    if not isinstance(found, int):
        raise StoreRefused(f"Allow WAIT to this user of Redis: {found}")
    if found < asked:
        raise StoreRefused(
            f"Redis has {found} replicas that follow, wait_replicas={asked} asks for more:"
            " start them, or ask for fewer."
        )


async def check_schema(wire: Wire) -> None:
    """
    Mark a new store with our schema.

    Raises:
        StoreRefused: A newer program made it.
    """
    _, [found] = await wire.in_turn(
        [("HSETNX", ABOUT, "schema", SCHEMA)], [("HGET", ABOUT, "schema")]
    )
    if int(found) > SCHEMA:
        raise StoreRefused(f"Redis has schema {found}, this program knows {SCHEMA}: update it.")
