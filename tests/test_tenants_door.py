"""The tenants' door over real HTTP, with really signed tokens and both stores."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from approvals_core.adapters.signing_keys import Key, SigningKeys
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.adapters.tokens import TokenVerifier, entra_issuers
from approvals_core.allowances import Allowances
from approvals_core.arx import Arx
from approvals_core.models import (
    Change,
    Contact,
    Disposition,
    LetterState,
    Operation,
    Payload,
    Person,
    PlaceState,
    ReceiptState,
    Refusal,
)
from approvals_core.onboarded import Onboarded
from approvals_core.ports import Store
from approvals_core.tenant import Caller, Tenant
from bots.tenants import TenantsDoor
from bots.tenants.large import AT_ONCE, LARGE
from bots.tenants.quota import Quota
from bots.web import problems
from playground import names
from playground.certificates import CertificateAuthority
from playground.forgeries import FORGERIES
from playground.issuer import Application, Issuer
from playground.signing import KeyRing
from tests.store_makers import (
    KEY,
    NOON,
    SCOPE,
    TENANT,
    a_change,
    a_job,
    a_letter,
    a_payload,
    a_place,
    a_receipt,
    an_approval,
    numbered,
)
from tests.test_wire_out import a_decision

HERE = Path(__file__).parent.parent / "playground"
RECEIVER = f"/api/v1/PayloadReceiver?TenantId={TENANT}"
OTHER = "00000000-1111-2222-3333-444444444444"
OTHER_APP = "77777777-dddd-4ddd-8ddd-777777777777"


class PublishedKeys:
    """The issuer's keys as they are, without the fetching."""

    fresh = True
    withdrawals = 0
    failure = ""  # once it is set, there are none

    def __init__(self, ring: KeyRing) -> None:
        self._key = ring.newest

    async def key(self, kid: str) -> Key | None:
        if self.failure:
            return None
        return Key(self._key.private.public_key()) if kid == self._key.kid else None


@dataclass
class Receiver:
    """Takes every payload, and remembers it."""

    disposition: Disposition = Disposition.APPLIED
    skipped: tuple[str, ...] = ()
    taken: list[tuple[Arx, Tenant]] = field(default_factory=list)
    creates_wait_for: asyncio.Event | None = None
    crowd: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def receive(self, arx: Arx, tenant: Tenant) -> Payload:
        self.taken.append((arx, tenant))
        self.crowd.release()
        if self.creates_wait_for is not None and arx.operation is Operation.CREATE:
            await self.creates_wait_for.wait()
        return a_payload(
            id="payload-7",
            approval=arx.key,
            digest=arx.digest,
            operation=arx.operation,
            disposition=self.disposition,
            skipped=self.skipped,
            warnings=arx.warnings,
        )


@dataclass
class Door:
    """The door, open, and how to knock."""

    client: TestClient
    issuer: Issuer
    receiver: Receiver
    store: Store
    keys: PublishedKeys

    def claims(self, app_id=names.PURCHASING_APP):
        """What Entra says of an application that has the role."""
        client = Application(app_id=app_id)
        intake = self.issuer.applications[names.INTAKE_APP]
        return self.issuer.app_claims(client, intake) | {"roles": [names.SEND_ROLE]}

    def token(self, app_id=names.PURCHASING_APP, **changes):
        claims = self.claims(app_id) | changes
        return self.issuer.entra.newest.sign(
            {name: value for name, value in claims.items() if value is not None}
        )

    async def post(self, body=None, *, url=RECEIVER, token=None, headers=None, media_type=...):
        sent = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        if media_type is not None:
            sent["Content-Type"] = "application/json" if media_type is ... else media_type
        data = a_sample() if body is None else body
        async with self.client.post(
            url, data=data, headers=sent | (headers or {}), skip_auto_headers=["Content-Type"]
        ) as response:
            return response, await read(response)

    async def get(self, url, *, token=None):
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        async with self.client.get(url, headers=headers) as response:
            return response, await read(response)


async def read(response):
    text = await response.text()
    assert "Traceback" not in text
    return json.loads(text)


def a_sample(name="wiki-create"):
    return (HERE / "samples" / f"{name}.json").read_bytes()


def the_tenants():
    """The playground's tenant, a smaller one of another application, and a slow, disabled one."""
    purchasing = load_tenants(HERE / "tenants").by_code("pr")
    assert purchasing is not None
    other = Caller(directory=names.DIRECTORY, app_id=OTHER_APP)
    limits = purchasing.limits.model_copy(update={"payload_bytes": 1024})
    small = {"document_type_id": OTHER, "code": "sm", "callers": (other,), "limits": limits}
    seldom = limits.model_copy(update={"payload_bytes": 100_000, "payloads_per_minute": 2})
    off = {
        "document_type_id": OTHER.replace("0", "a"),
        "code": "of",
        "enabled": False,
        "limits": seldom,
    }
    tenants = [purchasing, purchasing.model_copy(update=small), purchasing.model_copy(update=off)]
    return Onboarded({f"{tenant.code}.toml": tenant for tenant in tenants})


@pytest.fixture(scope="session")
def issuer(authority: CertificateAuthority) -> Issuer:
    return Issuer(authority)


@pytest.fixture
async def door(issuer: Issuer, store: Store) -> AsyncIterator[Door]:
    published = PublishedKeys(issuer.entra)
    keys = cast("SigningKeys", published)
    verifier = TokenVerifier(
        issuers=entra_issuers(
            [names.DIRECTORY, names.OTHER_DIRECTORY],
            name=names.ENTRA_ISSUER,
            keys=lambda _name, _directory: keys,
        ),
        audiences=[names.INTAKE_APP, names.INTAKE_URI],
        clock=lambda: datetime.now(UTC),
    )
    receiver = Receiver()
    app = web.Application(middlewares=[problems])
    app.add_routes(
        TenantsDoor(
            approvals=receiver,
            store=store,
            tenants=the_tenants(),
            verifier=verifier,
            clock=lambda: NOON + timedelta(minutes=5),
            quota=Quota(Allowances(None, monotonic=lambda: 0.0)),
        ).routes()
    )
    async with TestClient(TestServer(app)) as client:
        yield Door(client, issuer, receiver, store, published)


def is_problem(response, answer, status):
    """Tell whether an answer is a problem as RFC 9457 wants it."""
    return (
        response.status == status
        and response.content_type == "application/problem+json"
        and answer["status"] == status
        and bool(answer["title"])
    )


class TestTaken:
    async def test_a_payload_is_taken_and_answered_as_assent_does(self, door: Door):
        response, answer = await door.post()

        [(arx, tenant)] = door.receiver.taken
        assert response.status == 200
        assert answer == {
            "PayloadProcessingResult": {
                "PayloadId": "payload-7",
                "PayloadValidationResults": None,
                "ReconciliationAwaitTime": 180,
            },
            "Disposition": "applied",
        }
        assert (arx.key.number, tenant.code) == ("REQ-34562-126", "pr")

    @pytest.mark.parametrize("sample", ["wiki-create", "wiki-update", "wiki-delete"])
    async def test_the_documents_payloads_go_through_as_they_are(self, door: Door, sample):
        # their reminder ends in the year 9999, our clock here stands in 2025
        response, _ = await door.post(a_sample(sample))

        assert response.status == 200

    async def test_who_was_skipped_is_named(self, door: Door):
        door.receiver.disposition = Disposition.PARTIAL
        door.receiver.skipped = ("johndoe1",)

        _, answer = await door.post()

        assert (answer["Disposition"], answer["Skipped"]) == ("partial", ["johndoe1"])

    async def test_every_tenant_has_an_id_of_its_own(self, door: Door):
        payload = {
            "DocumentTypeId": OTHER,
            "Operation": 3,
            "ApprovalIdentifier": {"DocumentNumber": "1", "DisplayDocumentNumber": "1"},
            "DeleteFor": ["ann"],
            "ActionDetail": {"Name": "Cancel", "ActionBy": {}},
        }

        response, _ = await door.post(
            json.dumps(payload).encode(),
            url=f"/api/v1/PayloadReceiver?TenantId={OTHER}",
            token=door.token(OTHER_APP),
        )

        [(arx, tenant)] = door.receiver.taken
        assert response.status == 200
        assert (arx.key.tenant, tenant.code) == (OTHER, "sm")

    async def test_what_is_odd_is_named(self, door: Door):
        body = json.dumps(json.loads(a_sample()) | {"Colour": "red"}).encode()

        _, answer = await door.post(body)

        assert answer["Warnings"] == ["Not a field we know: /Colour"]

    @pytest.mark.parametrize("url", [RECEIVER.upper().replace("/API/V1/PAYLOADRECEIVER", "")])
    async def test_the_parameter_counts_in_any_case(self, door: Door, url):
        response, _ = await door.post(url=f"/api/v1/PayloadReceiver{url}")

        assert response.status == 200

    @pytest.mark.parametrize(
        "media_type",
        ["application/json; charset=utf-8", "Application/JSON", "application/arx+json", None],
    )
    async def test_json_by_any_name(self, door: Door, media_type):
        response, _ = await door.post(media_type=media_type)

        assert response.status == 200

    async def test_the_apps_uri_is_an_audience_too(self, door: Door):
        response, _ = await door.post(token=door.token(aud=names.INTAKE_URI))

        assert response.status == 200


class TestInvalid:
    async def test_every_problem_is_told_twice_ours_and_assents_way(self, door: Door):
        body = json.loads(a_sample("wiki-update")) | {"DeleteFor": [], "Operation": 2}
        body["SummaryData"]["UnitValue"] = ""

        response, answer = await door.post(json.dumps(body).encode())

        assert is_problem(response, answer, 400)
        assert answer["errors"] == [
            {
                "pointer": "/DeleteFor",
                "detail": "ApprovalRequestExpression.DeleteFor cannnot be null",
            },
            {
                "pointer": "/SummaryData/UnitValue",
                "detail": "SummaryJson.UnitValue cannot be null or empty.",
            },
        ]
        result = answer["PayloadProcessingResult"]
        assert result["PayloadValidationResults"] == [
            {
                "MemberNames": ["ApprovalRequestExpression.DeleteFor"],
                "ErrorMessage": "ApprovalRequestExpression.DeleteFor cannnot be null",
            },
            {
                "MemberNames": ["UnitValue"],
                "ErrorMessage": "SummaryJson.UnitValue cannot be null or empty.",
            },
        ]
        assert result["PayloadId"]
        assert door.receiver.taken == []

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b"{" * 5000, b'"\\u"'])
    async def test_what_is_no_payload_at_all(self, door: Door, body):
        response, answer = await door.post(body)

        assert is_problem(response, answer, 400)
        assert door.receiver.taken == []

    async def test_another_tenants_id_in_the_body(self, door: Door):
        body = json.loads(a_sample()) | {"DocumentTypeId": OTHER}

        response, answer = await door.post(json.dumps(body).encode())

        assert response.status == 400
        assert answer["errors"][0]["pointer"] == "/DocumentTypeId"

    @pytest.mark.parametrize("url", ["/api/v1/PayloadReceiver", f"{RECEIVER[:-36]}%20"])
    async def test_without_tenant_id(self, door: Door, url):
        response, answer = await door.post(url=url)

        assert is_problem(response, answer, 400)
        assert answer["detail"].startswith("TenantId is required")


class TestNotAllowed:
    @pytest.mark.parametrize("forgery", sorted(FORGERIES))
    async def test_a_token_that_is_wrong_in_one_way(self, door: Door, forgery):
        token = FORGERIES[forgery](door.issuer.entra, door.claims())

        response, answer = await door.post(token=token)

        assert is_problem(response, answer, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert door.receiver.taken == []

    async def test_while_the_issuers_keys_are_away_nobody_is_blamed(self, door: Door):
        door.keys.failure = "HTTP 500"

        response, answer = await door.post()
        door.keys.failure = ""
        later, _answer = await door.post()

        assert is_problem(response, answer, 503)
        assert response.headers["Retry-After"] == "60"
        assert "WWW-Authenticate" not in response.headers
        assert later.status == 200

    @pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer a b"])
    async def test_no_token(self, door: Door, header):
        response, answer = await door.post(headers={"Authorization": header})

        assert is_problem(response, answer, 401)

    @pytest.mark.parametrize(
        "changes",
        [
            {"roles": None},
            {"roles": []},
            {"roles": ["Payload.Read"]},
            {"roles": names.SEND_ROLE.lower()},
            {"azp": names.STRANGER_APP},
            {"azp": None},
            {"scp": "access_as_user"},
            {"idtyp": "user"},
        ],
    )
    @pytest.mark.parametrize("path", [RECEIVER, f"/api/v1/requests?TenantId={TENANT}"])
    async def test_a_good_token_of_somebody_else(self, door: Door, changes, path):
        ask = door.post if path is RECEIVER else door.get

        response, answer = await ask(url=path, token=door.token(**changes))

        assert is_problem(response, answer, 403)
        assert door.receiver.taken == []

    async def test_the_same_application_in_another_directory(self, door: Door):
        elsewhere = names.ENTRA_ISSUER.format(directory=names.OTHER_DIRECTORY)
        token = door.token(iss=elsewhere, tid=names.OTHER_DIRECTORY)

        response, answer = await door.post(token=token)

        assert is_problem(response, answer, 403)
        assert door.receiver.taken == []

    async def test_an_application_of_another_tenant(self, door: Door):
        response, answer = await door.post(token=door.token(OTHER_APP))

        assert is_problem(response, answer, 403)
        assert door.receiver.taken == []

    @pytest.mark.parametrize("tenant", ["12345678-1111-2222-3333-444444444444", "pr", "'; --"])
    async def test_a_tenant_that_is_none(self, door: Door, tenant):
        response, answer = await door.post(url=f"/api/v1/PayloadReceiver?TenantId={tenant}")

        assert is_problem(response, answer, 404)

    async def test_one_that_posts_faster_than_its_file_allows_is_told_when_to_go_on(
        self, door: Door
    ):
        slow = OTHER.replace("0", "a")
        url = f"/api/v1/PayloadReceiver?TenantId={slow}"
        body = json.loads(a_sample())
        body["DocumentTypeId"] = body["SummaryData"]["DocumentTypeId"] = slow

        first, _ = await door.post(json.dumps(body), url=url)
        response, answer = await door.post(json.dumps(body), url=url)

        assert first.status == 200
        assert is_problem(response, answer, 429)
        assert response.headers["Retry-After"] == "10"
        assert len(door.receiver.taken) == 1

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
    async def test_other_methods(self, door: Door, method):
        async with door.client.request(method, RECEIVER) as response:
            assert response.status == 405
        assert door.receiver.taken == []


class TestSize:
    async def test_a_long_payload_is_refused_by_its_length(self, door: Door):
        response, answer = await door.post(io.BytesIO(b" " * 1_048_577))

        assert is_problem(response, answer, 413)

    async def test_it_is_not_even_waited_for(self, door: Door):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.client.port)
        head = (
            f"POST {RECEIVER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {door.token()}\r\nContent-Length: 99999999999\r\n\r\n"
        )

        writer.write(head.encode())
        status = await asyncio.wait_for(reader.readline(), 60)
        writer.close()

        assert status.startswith(b"HTTP/1.1 413 ")

    async def test_a_long_payload_is_refused_without_its_length(self, door: Door):
        async def pieces():
            for _ in range(40):
                yield b" " * 65_536

        response, answer = await door.post(pieces())

        assert is_problem(response, answer, 413)
        assert door.receiver.taken == []

    async def test_the_limit_is_the_tenants(self, door: Door):
        url = f"/api/v1/PayloadReceiver?TenantId={OTHER}"

        response, answer = await door.post(url=url, token=door.token(OTHER_APP))

        assert is_problem(response, answer, 413)
        assert "1024 bytes" in answer["detail"]

    async def test_a_payload_of_just_the_limit_is_read(self, door: Door):
        body = io.BytesIO(a_sample().ljust(1_048_576))

        response, _ = await door.post(body)

        assert response.status == 200

    @pytest.mark.parametrize(
        "media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "x"]
    )
    async def test_another_media_type(self, door: Door, media_type):
        response, answer = await door.post(media_type=media_type)

        assert is_problem(response, answer, 415)

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, identity"])
    async def test_compressed_payloads(self, door: Door, coding):
        body = gzip.compress(a_sample())

        response, answer = await door.post(body, headers={"Content-Encoding": coding})

        assert is_problem(response, answer, 415)
        assert door.receiver.taken == []


async def keep(store: Store, approval=None, **changes):
    await store.commit(a_change(approval, **changes))


class TestPayload:
    async def test_what_became_of_it_and_of_its_request(self, door: Door):
        payload = a_payload(disposition=Disposition.PARTIAL, skipped=("bob",), warnings=("Odd.",))
        await keep(door.store, payload=payload)

        response, answer = await door.get("/api/v1/payloads/payload-1")

        request = answer.pop("Request")
        assert response.status == 200
        assert answer == {
            "PayloadId": "payload-1",
            "DocumentTypeId": TENANT,
            "DocumentNumber": "REQ-1",
            "FiscalYear": "2025",
            "Operation": 1,
            "ReceivedAt": "2025-01-01T12:00:00.000Z",
            "Disposition": "partial",
            "Skipped": ["bob"],
            "Warnings": ["Odd."],
        }
        assert request["Approvers"][0]["Alias"] == "ann"

    async def test_another_tenants_payload_and_an_absent_one_look_the_same(self, door: Door):
        await keep(door.store, payload=a_payload())

        theirs = await door.get("/api/v1/payloads/payload-1", token=door.token(OTHER_APP))
        absent = await door.get("/api/v1/payloads/payload-2", token=door.token(OTHER_APP))

        assert is_problem(*theirs, 404)
        assert theirs[1] == absent[1] | {
            name: theirs[1][name] for name in ("instance",) if name in theirs[1]
        }

    async def test_an_application_of_nobody(self, door: Door):
        await keep(door.store, payload=a_payload())

        for token in (
            door.token(azp=names.STRANGER_APP),
            door.token(roles=[]),
            door.token(scp="access_as_user"),
        ):
            assert is_problem(*await door.get("/api/v1/payloads/payload-1", token=token), 403)

    @pytest.mark.parametrize("forgery", ["another key", "expired", "another audience"])
    async def test_a_bad_token(self, door: Door, forgery):
        token = FORGERIES[forgery](door.issuer.entra, door.claims())

        assert is_problem(*await door.get("/api/v1/payloads/payload-1", token=token), 401)


def request_url(**parameters):
    asked = "".join(f"&{name}={value}" for name, value in parameters.items())
    return f"/api/v1/requests?TenantId={TENANT}{asked}"


ONE = request_url(DocumentNumber="REQ-1", FiscalYear="2025")


async def approver_of(door: Door):
    _, answer = await door.get(ONE)
    [request] = answer["Requests"]
    [approver] = request["Approvers"]
    return approver


class TestRequest:
    async def test_where_it_stands(self, door: Door):
        approval = an_approval(round=1, revision=2)
        receipt = a_receipt(round=1)
        await keep(door.store, approval, receipts=(receipt,))

        response, answer = await door.get(ONE)

        assert response.status == 200
        assert answer == {
            "Requests": [
                {
                    "DocumentTypeId": TENANT,
                    "DocumentNumber": "REQ-1",
                    "FiscalYear": "2025",
                    "DisplayDocumentNumber": "REQ-1",
                    "Id": "pr-one",
                    "Open": True,
                    "Round": 1,
                    "Revision": 2,
                    "OpenedAt": "2025-01-01T12:00:00.000Z",
                    "ClosedAt": None,
                    "Approvers": [
                        {
                            "Alias": "ann",
                            "Name": "",
                            "State": "pending",
                            "AskedAt": "2025-01-01T12:00:00.000Z",
                            "Attempt": 0,
                            "Reachable": True,
                            "Reason": None,
                            "Person": {"ObjectId": "ann", "Name": "Ann"},
                            "Cards": [
                                {
                                    "Channel": "teams",
                                    "State": "shown",
                                    "Reason": None,
                                    "At": "2025-01-01T12:00:00.000Z",
                                    "AgeSeconds": 300,
                                }
                            ],
                            "Decision": None,
                            "LastRefusal": None,
                            "Mails": [],
                        }
                    ],
                    "Mails": [],
                }
            ],
            "Next": None,
        }

    async def test_the_mails_with_his_card_and_those_without_one(self, door: Door):
        his = a_letter(state=LetterState.SENT, sent_at=NOON, seen_at=NOON)
        told = a_letter(
            id="1" * 32,
            address="boss@contoso.com",
            seat=None,
            person=None,
            state=LetterState.REFUSED,
            reason="550 unknown",
        )
        before = a_letter(id="2" * 32, round=0)
        await keep(door.store, an_approval(round=1), letters=(his, told, before))

        _, answer = await door.get(ONE)

        [request] = answer["Requests"]
        assert request["Approvers"][0]["Mails"] == [
            {
                "Address": "ann@contoso.com",
                "Occasion": "asked",
                "State": "sent",
                "Reason": None,
                "NextAttemptAt": None,
                "SentAt": "2025-01-01T12:00:00.000Z",
                "SeenAt": "2025-01-01T12:00:00.000Z",
            }
        ]
        assert request["Mails"] == [
            {
                "Address": "boss@contoso.com",
                "Occasion": "asked",
                "State": "refused",
                "Reason": "550 unknown",
                "NextAttemptAt": None,
                "SentAt": None,
                "SeenAt": None,
            }
        ]

    async def test_when_a_mail_that_waits_is_tried_again(self, door: Door):
        waiting = a_letter(state=LetterState.WAITING, reason="HTTP 503")
        approval = an_approval(round=1)
        job = a_job(f"mail/{approval.id}/{waiting.id}", due=NOON)
        await keep(door.store, approval, letters=(waiting,), jobs=(job,))

        [mail] = (await approver_of(door))["Mails"]

        assert (mail["State"], mail["Reason"]) == ("waiting", "HTTP 503")
        assert mail["NextAttemptAt"] == "2025-01-01T12:00:00.000Z"

    async def test_the_mails_of_nobody_are_not_those_of_a_place_without_a_person(self, door: Door):
        told = a_letter(seat=None, person=None)
        place = a_place(person=None)
        await keep(door.store, an_approval(round=1, places=(place,)), letters=(told,))

        approver = await approver_of(door)

        assert approver["Mails"] == []

    async def test_a_decision_under_way(self, door: Door):
        decision = a_decision(
            id="decision-1",
            attempts=2,
            at=NOON,
            attempted_at=NOON,
            due=NOON,
            by=person(),
            trouble="HTTP 401",
        )
        place = a_place(state=PlaceState.RETRYING, decision=decision)
        await keep(door.store, an_approval(places=(place,)))

        approver = await approver_of(door)

        assert approver["State"] == "retrying"
        assert approver["Decision"] == {
            "Id": "decision-1",
            "Action": "Approve",
            "State": "retrying",
            "At": "2025-01-01T12:00:00.000Z",
            "Attempts": 2,
            "AttemptedAt": "2025-01-01T12:00:00.000Z",
            "NextAttemptAt": "2025-01-01T12:00:00.000Z",
            "AnsweredAt": None,
            "LastAnswer": "HTTP 401",
            "Overdue": False,
        }

    async def test_a_decision_that_came_back(self, door: Door):
        refusal = Refusal(
            action="Approve", message="No limit", comment="secret", at=NOON, reason="HTTP 400"
        )
        await keep(door.store, an_approval(places=(a_place(refusal=refusal),)))

        approver = await approver_of(door)

        assert approver["LastRefusal"] == {
            "Action": "Approve",
            "Message": "No limit",
            "Reason": "HTTP 400",
            "At": "2025-01-01T12:00:00.000Z",
        }

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"person": None, "unbound": "several people"}, "several people"),
            ({"person": None}, "not looked up yet"),
        ],
    )
    async def test_who_is_not_found(self, door: Door, changes, reason):
        await keep(door.store, an_approval(places=(a_place(**changes),)))

        approver = await approver_of(door)

        assert (approver["Reachable"], approver["Reason"]) == (False, reason)
        assert approver["Person"] is None

    async def test_who_has_blocked_the_bot(self, door: Door):
        contact = Contact(person=person().id, version=1, closed="bot blocked", at=NOON)
        await keep(door.store)
        await door.store.commit(Change(id="c", scope=person().id.scope, contact=contact))

        approver = await approver_of(door)

        assert (approver["Reachable"], approver["Reason"]) == (False, "bot blocked")

    async def test_whose_card_could_not_be_shown(self, door: Door):
        failed = a_receipt(round=1, state=ReceiptState.UNREACHABLE, reason="no licence")
        await keep(door.store, an_approval(round=1), receipts=(failed,))

        approver = await approver_of(door)

        assert (approver["Reachable"], approver["Reason"]) == (False, "no licence")

    async def test_cards_of_earlier_rounds_and_of_others_are_not_his(self, door: Door):
        others = a_receipt(person=person("bob").id, round=2)
        await keep(door.store, an_approval(round=2), receipts=(a_receipt(round=1), others))

        assert (await approver_of(door))["Cards"] == []

    async def test_who_is_asked_no_longer_need_not_be_reachable(self, door: Door):
        place = a_place(state=PlaceState.REMOVED, person=None)
        await keep(door.store, an_approval(places=(place,), closed_at=NOON))

        assert (await approver_of(door))["Reachable"] is None

    async def test_another_tenants_document_and_an_absent_one_look_the_same(self, door: Door):
        await keep(door.store)
        token = door.token(OTHER_APP)
        theirs = ONE.replace(TENANT, OTHER)

        existing = await door.get(theirs, token=token)
        absent = await door.get(theirs.replace("REQ-1", "REQ-9"), token=token)
        foreign = await door.get(ONE, token=token)
        foreign_absent = await door.get(ONE.replace("REQ-1", "REQ-9"), token=token)

        assert [r.status for r, _ in (existing, absent)] == [404, 404]
        assert [r.status for r, _ in (foreign, foreign_absent)] == [403, 403]
        assert existing[1]["detail"] == absent[1]["detail"]
        assert foreign[1]["detail"] == foreign_absent[1]["detail"]

    async def test_without_a_fiscal_year_every_request_of_the_number_is_told(self, door: Door):
        for year in ("2025", "", "2026"):
            await keep(door.store, of_year(year))
        await keep(door.store, numbered("REQ-2", display_number="REQ-1"))

        _, answer = await door.get(request_url(DocumentNumber="REQ-1"))

        assert sorted(each["FiscalYear"] for each in answer["Requests"]) == ["", "2025", "2026"]
        assert {each["DocumentNumber"] for each in answer["Requests"]} == {"REQ-1"}
        assert answer["Next"] is None

    async def test_a_request_of_a_number_is_found_behind_those_that_only_show_it(self, door: Door):
        earlier = NOON - timedelta(days=1)
        await keep(door.store, numbered("REQ-2", display_number="REQ-1", opened_at=earlier))
        await keep(door.store, of_year("2025"))

        _, answer = await door.get(request_url(DocumentNumber="REQ-1", Limit="1"))

        assert [each["FiscalYear"] for each in answer["Requests"]] == ["2025"]

    async def test_an_empty_fiscal_year_names_the_request_that_has_none(self, door: Door):
        for year in ("2025", ""):
            await keep(door.store, of_year(year))

        _, answer = await door.get(request_url(DocumentNumber="REQ-1", FiscalYear=""))

        assert [each["FiscalYear"] for each in answer["Requests"]] == [""]

    async def test_another_fiscal_year_is_answered_with_those_there_are(self, door: Door):
        for year in ("2025", ""):
            await keep(door.store, of_year(year))

        response, answer = await door.get(request_url(DocumentNumber="REQ-1", FiscalYear="2024"))

        assert response.status == 404
        assert answer["detail"] == (
            "No request of yours has this number and fiscal year."
            " The number exists with FiscalYear: 2025, none."
        )

    async def test_a_number_that_does_not_exist_says_no_more(self, door: Door):
        await keep(door.store)

        response, answer = await door.get(request_url(DocumentNumber="REQ-9"))

        assert response.status == 404
        assert answer["detail"] == "No request of yours has this number."


def of_year(year: str):
    """REQ-1 in a fiscal year of its own."""
    return an_approval(key=KEY._replace(year=year), id=f"pr-year{year}")


def person(name="ann"):
    return Person(directory="d1", object_id=name, name=name.title())


class TestOpenRequests:
    async def test_all_that_is_open_a_page_at_a_time(self, door: Door):
        for number in range(5):
            at = NOON + timedelta(seconds=number)
            await keep(door.store, numbered(f"R{number}", opened_at=at))
        closed = numbered("R9", places=(a_place(state=PlaceState.REMOVED),))
        await keep(door.store, closed)

        seen, after = [], ""
        while after is not None:
            _, answer = await door.get(request_url(Limit=2, After=after))
            seen.append([request["DocumentNumber"] for request in answer["Requests"]])
            after = answer["Next"]

        assert [number for page in seen for number in page] == ["R0", "R1", "R2", "R3", "R4"]
        assert max(map(len, seen)) == 2

    async def test_nothing_of_other_tenants(self, door: Door):
        await keep(door.store)

        url = f"/api/v1/requests?TenantId={OTHER}"
        _, answer = await door.get(url, token=door.token(OTHER_APP))

        assert answer == {"Requests": [], "Next": None}

    @pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1e2", "٣", "9" * 5000])
    async def test_a_limit_that_is_none(self, door: Door, limit):
        assert is_problem(*await door.get(request_url(Limit=limit)), 400)

    @pytest.mark.parametrize("after", ["x", "e30=", "W10=", "bnVsbA==", "WyIyMDI1Il0=", "ÿ"])
    async def test_a_place_in_the_list_that_is_none(self, door: Door, after):
        assert is_problem(*await door.get(request_url(After=after)), 400)


def test_the_stores_makers_are_of_the_playgrounds_tenant():
    assert names.DOCUMENT_TYPE == TENANT
    assert KEY.scope == SCOPE


class TestLarge:
    async def test_large_ones_of_a_tenant_are_taken_few_at_a_time_and_small_ones_go_by(
        self, door: Door
    ):
        door.receiver.creates_wait_for = asyncio.Event()
        large = a_sample() + b" " * LARGE
        posts = [asyncio.create_task(door.post(large)) for _ in range(2 * AT_ONCE)]
        for _each in range(AT_ONCE):
            await door.receiver.crowd.acquire()

        small = [await door.post(a_sample("wiki-update")) for _ in range(AT_ONCE)]
        at_once = sum(arx.operation is Operation.CREATE for arx, _tenant in door.receiver.taken)
        door.receiver.creates_wait_for.set()
        answers = await asyncio.gather(*posts)

        assert {response.status for response, _answer in small} == {200}
        assert at_once == AT_ONCE
        assert [response.status for response, _answer in answers] == [200] * 2 * AT_ONCE
