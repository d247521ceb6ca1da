"""Which Redis may hold approvals: one that keeps what it acknowledged, and is no cache."""

import logging
import secrets
from typing import Any

from approvals_core.adapters.redis_store.address import Address
from approvals_core.adapters.redis_store.durable import check_durable, looks
from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.keys import ABOUT
from approvals_core.adapters.redis_store.wire import Command, Wire
from approvals_core.adapters.stored import SCHEMA
from approvals_core.errors import StoreRefused
from approvals_core.models.marks import ID

log = logging.getLogger(__name__)


async def check_settings(wire: Wire, address: Address) -> None:
    """
    Compare every primary's role, settings and replicas with what we need.

    Raises:
        StoreRefused: Some are unsafe, or cannot be read; the message says what to do.
    """
    safety = address.safety
    asked: list[Command] = [("ROLE",), ("CLUSTER", "SLOTS"), *looks(safety.durability)]
    asked.append(("WAIT", safety.wait_replicas, safety.wait_ms))
    for name, answers in (await wire.everywhere(*asked)).items():
        role, slots, *settings, replicas = answers
        _check_role(name, role)
        _check_kind(address, slots)
        check_durable(safety.durability, settings)
        _check_replicas(safety.wait_replicas, replicas)
    for risk in safety.risks(address.kind):
        log.warning("redis_may_lose", extra={"risk": risk})


def _check_role(name: str, role: Any) -> None:
    if isinstance(role, list) and role[0] != "master":
        raise StoreRefused(
            f"The Redis at {name or 'this socket'} is a replica: give the address of the primary,"
            " or of the sentinels with redis+sentinel://."
        )


def _check_kind(address: Address, slots: Any) -> None:
    if not address.kind and isinstance(slots, list) and slots:
        raise StoreRefused("This Redis is a cluster: write redis+cluster:// in its address.")


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


async def check_schema(wire: Wire, guard: Guard) -> None:
    """
    Mark a new store with our schema and an id of its own, and tell *guard* the id.

    Raises:
        StoreRefused: A newer program made it.
    """
    marks = [("HSETNX", ABOUT, "schema", SCHEMA), ("HSETNX", ABOUT, ID, secrets.token_hex(8))]
    _, [(found, own)] = await wire.in_turn(marks, [("HMGET", ABOUT, "schema", ID)])
    if int(found) > SCHEMA:
        raise StoreRefused(f"Redis has schema {found}, this program knows {SCHEMA}: update it.")
    guard.own = own
