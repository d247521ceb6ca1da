"""Stores that fail when they are told to, or where nobody renews what he has, and that can be watched."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from approvals_core.errors import StoreUnavailable
from approvals_core.models import Change, Lease
from approvals_core.ports import Store
from tests.fakes import FlakyStore

__all__ = ["SilentClicks", "StumblingStore"]


class StumblingStore:
    """A store some of whose questions fail, each as often as it is told to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fails: dict[str, list[Exception]] = {}
        self.asked: list[str] = []
        self.bell = asyncio.Event()  # rings at each question
        self.instead: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Any:
        ask = self.instead.get(name) or getattr(self._store, name)
        return self._stumbling(name, ask) if callable(ask) else ask  # what it holds, as it is

    def _stumbling(self, name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(*values: Any, **named: Any) -> Any:
            self.asked.append(name)
            self.bell.set()
            if self.fails.get(name):
                raise self.fails[name].pop()
            return await ask(*values, **named)

        return asked


class SilentClicks(FlakyStore):
    """
    A store in which the leases of clicks end though their tenant is still being told.

    So it looks to others while a process stands still: it renews them by the real clock, and a
    test has them end by another one.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._claimed: set[tuple[str, str, str]] = set()

    async def commit(self, change: Change) -> None:
        if change.claim is not None:
            self._claimed.add(_named(change.claim))
        await super().commit(change)

    async def renew(self, lease: Lease, *, until: datetime) -> Lease:
        if _named(lease) in self._claimed:
            raise StoreUnavailable("whoever has it stands still")
        return await self._store.renew(lease, until=until)


def _named(lease: Lease) -> tuple[str, str, str]:
    return lease.scope, lease.job, lease.token
