"""The public keys of one token issuer: fetched seldom, kept when the issuer fails."""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from yarl import URL

from approvals_core.adapters.answers import AnswerTooLong, read_bounded

ATTEMPT_EVERY = timedelta(minutes=1)  # however many unknown key ids are shown to us
FIRST_EVERY = timedelta(seconds=5)  # until there are keys: before that nobody can be let in
FIRST_TIMES = 120  # at that pace: about ten minutes; who fails for longer is set up wrong, or away
AHEAD = timedelta(hours=12)  # fetched again in the background from here on, or
SPREAD = timedelta(hours=2)  # up to so much earlier: processes started together ask apart
KEPT = timedelta(hours=24)  # the Bot Connector's documents ask for this at the latest
WITHIN = 5.0  # seconds for each of the two answers
BODY_LIMIT = 1024 * 1024  # bytes; Entra's key sets are about 20 kB
KEY_BITS = 2048  # the least that we trust

log = logging.getLogger(__name__)


class _Unusable(Exception):
    """The issuer's answer is not what it promises to be."""


@dataclass(frozen=True)
class Key:
    """One public key, and the channels that its issuer lets it speak for."""

    key: RSAPublicKey
    endorsements: frozenset[str] = frozenset()


class SigningKeys:
    """
    The keys of the issuer *name*, found through its OpenID metadata.

    `withdrawals` rises whenever a key that was there is not there any more:
    what was believed because of it must be looked at again. `failure` says why the
    keys could not be fetched the last time, "" if they could.
    """

    def __init__(
        self,
        name: str,
        *,
        metadata_url: str,
        session: aiohttp.ClientSession,
        clock: Callable[[], datetime],
        jitter: Callable[[], float] = random.random,
        within: float = WITHIN,
    ) -> None:
        """*jitter* returns the next number from 0 to 1. *within*: seconds for each of the issuer's two answers."""
        self.withdrawals = 0
        self.failure = ""
        self.name = name
        self._metadata_url = URL(metadata_url)
        self._session = session
        self._clock = clock
        self._jitter = jitter
        self._timeout = aiohttp.ClientTimeout(total=within)
        self._ahead = AHEAD
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: datetime | None = None
        self._attempted_at: datetime | None = None
        self._attempts = 0
        self._fetching: asyncio.Task[None] | None = None

    @property
    def fresh(self) -> bool:
        """Tell whether the keys were fetched within the last day."""
        return self._age_below(KEPT)

    @property
    def never_fetched(self) -> bool:
        """Tell whether the issuer has told us no keys since we began."""
        return self._fetched_at is None

    async def keep_asking(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Ask until there are keys for the first time, even if nobody shows us a token."""
        await self.key("")
        while self.never_fetched:
            await sleep(self._every().total_seconds())
            await self.key("")

    async def key(self, kid: str) -> Key | None:
        """
        Return the key with this id, or None.

        An unknown id is looked up at the issuer, at most once a minute; in the first ten minutes
        every five seconds, as long as it never told us any. While the issuer fails, the keys we have stay good.
        """
        wanted = kid not in self._keys or not self.fresh
        if wanted and self._may_ask():
            await asyncio.shield(self._fetch_once())
        elif not self._age_below(self._ahead) and self._may_ask():
            self._fetch_once()
        return self._keys.get(kid)

    async def close(self) -> None:
        """Give up a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _age_below(self, age: timedelta) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < age

    def _may_ask(self) -> bool:
        if self._fetching is not None and not self._fetching.done():
            return True  # somebody asked already: wait with him
        return self._attempted_at is None or self._clock() - self._attempted_at >= self._every()

    def _every(self) -> timedelta:
        hurried = self.never_fetched and self._attempts < FIRST_TIMES
        return FIRST_EVERY if hurried else ATTEMPT_EVERY

    def _fetch_once(self) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._attempted_at = self._clock()
            self._attempts += 1
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            keys = await self._from_issuer()
        except (aiohttp.ClientError, TimeoutError, AnswerTooLong, _Unusable) as problem:
            self.failure = str(problem) or type(problem).__name__
            why = {"issuer": self.name, "why": f"{type(problem).__name__}: {problem}"}
            log.warning("signing_keys_not_fetched", extra=why)
            return
        self.failure = ""
        if any(keys.get(kid) != key for kid, key in self._keys.items()):
            self.withdrawals += 1
        self._keys = keys
        self._fetched_at = self._clock()
        self._ahead = AHEAD - SPREAD * self._jitter()

    async def _from_issuer(self) -> dict[str, Key]:
        metadata = await self._json(self._metadata_url)
        if metadata.get("issuer") != self.name:
            raise _Unusable("the metadata are another issuer's")
        address = metadata.get("jwks_uri")
        if not isinstance(address, str):
            raise _Unusable("the metadata name no keys")
        # Metadata that point elsewhere must not make us trust elsewhere.
        if _origin(address) != self._metadata_url.origin():
            raise _Unusable("the keys are at another host")
        return _usable((await self._json(URL(address))).get("keys"))

    async def _json(self, url: URL) -> dict[str, Any]:
        asking = self._session.get(url, timeout=self._timeout, allow_redirects=False)
        async with asking as response:
            if response.status != 200:  # noqa: PLR2004
                raise _Unusable(f"HTTP {response.status}")
            body = await read_bounded(response, BODY_LIMIT)
        try:
            value: object = json.loads(body)
        except (ValueError, RecursionError) as problem:
            raise _Unusable("not JSON") from problem
        if not isinstance(value, dict):
            raise _Unusable("not a JSON object")
        return cast("dict[str, Any]", value)


def _origin(address: str) -> URL | None:
    try:
        return URL(address).origin()
    except ValueError:
        return None


def _usable(given: object) -> dict[str, Key]:
    """Return the RSA signing keys by id; what else the set holds is not for us."""
    entries = cast("list[object]", given) if isinstance(given, list) else []
    found = dict(pair for entry in entries if (pair := _named_key(entry)))
    if not found:
        raise _Unusable("no usable key")
    return found


def _named_key(entry: object) -> tuple[str, Key] | None:
    if not isinstance(entry, dict):
        return None
    jwk = cast("dict[str, Any]", entry)
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid or jwk.get("kty") != "RSA":
        return None
    if jwk.get("use", "sig") != "sig" or "d" in jwk:
        return None
    try:
        key = jwt.PyJWK({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}, "RS256").key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS:
        return None
    return kid, Key(key, _endorsements(jwk))


def _endorsements(jwk: Mapping[str, Any]) -> frozenset[str]:
    given: object = jwk.get("endorsements")
    items = cast("list[object]", given) if isinstance(given, list) else []
    return frozenset(item for item in items if isinstance(item, str))
