"""Which connections to tenants are kept, and what becomes of a decision that one of them loses."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from approvals_core.errors import TokenUnavailable
from approvals_core.ports import AnswerKind
from approvals_core.tenant import Tenant
from tests.test_tenant_api import Tokens, a_posted, an_api
from tests.test_wire_out import a_response, a_tenant


def said(status: str, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


YES = said("200 OK", json.dumps(a_response()).encode())
LATER = said("429 Too Many Requests")
NOBODY = said("401 Unauthorized")
CUT = b""  # read, and the connection is closed without a word


class FarSide:
    """Answers what its *script* says: a list of answers for each connection, in their order."""

    def __init__(self, *script: Sequence[bytes]) -> None:
        self.script = list(script)
        self.url = ""
        self.heads: list[bytes] = []  # of the requests that came

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in self.script.pop(0) if self.script else ():
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Le"))
            await reader.readexactly(int(length.split(b":")[1]))
            self.heads.append(head)
            writer.write(answer)
            if answer == CUT:
                break
        writer.close()

    def keys(self) -> set[bytes]:
        lines = (line for head in self.heads for line in head.split(b"\r\n"))
        return {line for line in lines if line.startswith(b"Idempotency-Key")}


@asynccontextmanager
async def a_far_side(*script: Sequence[bytes]) -> AsyncIterator[FarSide]:
    far = FarSide(*script)
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0)
    far.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield far
    finally:
        server.close()


async def posts(far: FarSide, times: int, *, tokens: Tokens | None = None, idempotent: bool = True):
    tenant = a_tenant(base_url=far.url, action="/act", answer_within=30.0, idempotent=idempotent)
    async with an_api(tokens) as api:
        return [await api.post_decision(tenant, a_posted()) for _ in range(times)]


async def test_decisions_for_an_idempotent_tenant_share_a_connection() -> None:
    async with a_far_side([YES, YES, YES]) as far:
        answers = await posts(far, 3)

    assert [answer.kind for answer in answers] == [AnswerKind.ACCEPTED] * 3


async def test_decisions_for_any_other_tenant_have_a_connection_each() -> None:
    async with a_far_side([YES, CUT], [YES, CUT], [YES]) as far:
        answers = await posts(far, 3, idempotent=False)

    assert [answer.kind for answer in answers] == [AnswerKind.ACCEPTED] * 3
    assert len(far.heads) == 3


async def test_a_decision_that_a_kept_connection_lost_is_sent_again_at_once_with_its_key() -> None:
    async with a_far_side([YES, CUT], [YES]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.ACCEPTED
    assert len(far.heads) == 3
    assert len(far.keys()) == 1


async def test_a_decision_that_a_new_connection_lost_is_not_sent_again() -> None:
    async with a_far_side([CUT], [YES]) as far:
        (answer,) = await posts(far, 1)

    assert answer.kind is AnswerKind.UNKNOWN
    assert len(far.heads) == 1


async def test_a_decision_is_sent_again_once_only() -> None:
    async with a_far_side([YES, CUT], [CUT], [YES]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.UNKNOWN
    assert len(far.heads) == 3


@pytest.mark.parametrize("second", [said("404 Not Found"), LATER, said("503 Service Unavailable")])
async def test_what_a_gateway_says_the_second_time_tells_nothing_of_the_first(
    second: bytes,
) -> None:
    async with a_far_side([YES, CUT], [second]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.UNKNOWN


async def test_a_decision_that_was_lost_counts_as_sent_when_nobody_answers_any_more() -> None:
    async with a_far_side([YES, CUT]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.UNKNOWN


async def test_a_401_after_a_loss_does_not_say_that_the_first_was_not_taken() -> None:
    tokens = Tokens()
    tokens.renewable = False
    async with a_far_side([YES, CUT], [NOBODY]) as far:
        _, answer = await posts(far, 2, tokens=tokens)

    assert answer.kind is AnswerKind.UNKNOWN


async def test_a_401_after_a_loss_and_no_other_token_does_not_say_so_either() -> None:
    class Ended(Tokens):
        async def token(
            self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
        ) -> str:
            if refused:
                raise TokenUnavailable("invalid_client")
            return await super().token(tenant)

    async with a_far_side([YES, CUT], [NOBODY]) as far:
        _, answer = await posts(far, 2, tokens=Ended())

    assert answer.kind is AnswerKind.UNKNOWN


async def test_a_refusal_for_the_document_counts_the_second_time_too() -> None:
    no = said("200 OK", json.dumps(a_response(ActionResult=False)).encode())
    async with a_far_side([YES, CUT], [no]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.REFUSED


async def test_with_another_token_that_is_not_taken_either_nobody_knows_of_the_first() -> None:
    async with a_far_side([YES, CUT], [NOBODY], [NOBODY]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.UNKNOWN


async def test_with_another_token_a_decision_that_a_new_connection_lost_is_not_sent_again() -> None:
    closes = NOBODY.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with a_far_side([YES, closes], [CUT], [YES]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.UNKNOWN
    assert len(far.heads) == 3


async def test_with_another_token_a_lost_decision_is_taken() -> None:
    async with a_far_side([YES, CUT], [NOBODY], [YES]) as far:
        _, answer = await posts(far, 2)

    assert answer.kind is AnswerKind.ACCEPTED
    assert len(far.keys()) == 1
