"""A store that fails when it is told to, and can be watched."""

import asyncio
from collections.abc import Callable
from typing import Any

from approvals_core.ports import Store

__all__ = ["StumblingStore"]


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
