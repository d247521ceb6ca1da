"""Tickets: what they are bound to, and that nothing but our own are taken."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.models import PersonId
from bots.outlook.links import TicketLinks
from bots.outlook.tickets import LONGEST, ExpiredTicket, InvalidTicket, Purpose, Ticket, Tickets
from tests.card_makers import REJECT, a_place, a_view, an_approval

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OLD, NEW, FOREIGN = "o" * 40, "n" * 40, "f" * 40
MARIA = PersonId("11111111-aaaa-4aaa-8aaa-111111111111", "22222222-bbbb-4bbb-8bbb-222222222222")
LETTER = "0123456789abcdef" * 2


def a_ticket(**fields: Any) -> Ticket:
    usual: dict[str, Any] = {
        "purpose": Purpose.ACT,
        "public_id": "pr-9q2f4zt1w8xk2m3n",
        "seat": 2,
        "round": 1,
        "revision": 3,
        "attempt": 4,
        "action": "NeedMoreInformation",
        "letter": LETTER,
        "person": MARIA,
        "expires": NOW + timedelta(days=14),
    }
    return Ticket(**usual | fields)


def tickets(*keys: str | bytes, at: datetime = NOW) -> Tickets:
    return Tickets(keys or (NEW,), lambda: at)


def claims_of(text: str) -> dict[str, Any]:
    return jwt.decode(text, options={"verify_signature": False})


def key_of(secret: str) -> bytes:
    """Derive the signing key as the README of a second implementation would have to say it."""
    label = b"approvals outlook ticket"
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(secret.encode())


def signed(claims: Any, *, secret: str = NEW, **headers: Any) -> str:
    """Sign any claims with a key of ours, as nobody but us could."""
    own = jwt.get_unverified_header(tickets(secret).issue(a_ticket()))
    return jwt.encode(claims, key_of(secret), algorithm="HS256", headers=own | headers)


def changed(**claims: Any) -> str:
    return signed(claims_of(tickets().issue(a_ticket())) | claims)


def refused(text: str, *keys: str, at: datetime = NOW) -> str:
    with pytest.raises(InvalidTicket) as problem:
        tickets(*keys, at=at).read(text)
    return str(problem.value)


@pytest.mark.parametrize(
    "ticket",
    [
        a_ticket(),
        a_ticket(purpose=Purpose.REFRESH, action=""),
        a_ticket(seat=0, round=0, revision=0, attempt=0),
        a_ticket(action="Genehmigen \U0001f44d" + "ä" * 140),
        a_ticket(person=PersonId("local", "0001")),
        a_ticket(expires=NOW + timedelta(days=30)),
    ],
)
def test_a_ticket_is_read_as_it_was_issued(ticket: Ticket) -> None:
    assert tickets().read(tickets().issue(ticket)) == ticket


def test_a_ticket_is_short_and_fits_a_url() -> None:
    text = tickets().issue(a_ticket())

    assert len(text) <= 360
    assert all(part and "=" not in part for part in text.split("."))


def test_what_we_sign_is_what_the_signing_key_of_the_secret_signs() -> None:
    assert signed(claims_of(tickets().issue(a_ticket()))) == tickets().issue(a_ticket())


def test_the_longest_code_makes_a_ticket_that_is_still_read() -> None:
    worst = a_ticket(action="\U0001f600" * 160)

    assert tickets().read(tickets().issue(worst)) == worst


# -- time ---------------------------------------------------------------------------


def test_a_ticket_is_good_until_it_expires_and_no_longer() -> None:
    text = tickets().issue(a_ticket(expires=NOW + timedelta(days=1)))
    almost = NOW + timedelta(days=1, seconds=-1)

    assert tickets(at=almost).read(text) == a_ticket(expires=NOW + timedelta(days=1))
    with pytest.raises(ExpiredTicket, match="expired") as problem:
        tickets(at=NOW + timedelta(days=1)).read(text)
    assert problem.value.ticket.letter == LETTER


def test_a_ticket_never_lives_longer_than_thirty_days() -> None:
    text = tickets().issue(a_ticket(expires=NOW + timedelta(days=365)))

    assert tickets().read(text).expires == NOW + timedelta(days=30)


def test_one_that_lives_longer_was_not_issued_by_now() -> None:
    future = tickets(at=NOW + timedelta(hours=1)).issue(a_ticket(expires=NOW + timedelta(days=40)))

    assert "future" in refused(future)
    assert "future" in refused(changed(exp=int((NOW + timedelta(days=31)).timestamp())))


def test_a_clock_that_is_a_little_slow_is_no_harm() -> None:
    ahead = tickets(at=NOW + timedelta(minutes=4)).issue(a_ticket(expires=NOW + timedelta(days=40)))

    assert tickets().read(ahead).person == MARIA


# -- keys ---------------------------------------------------------------------------


def test_while_keys_rotate_both_are_good_and_the_first_signs() -> None:
    old = tickets(OLD).issue(a_ticket())

    rotating = tickets(NEW, OLD)

    assert rotating.read(old) == a_ticket()
    assert tickets(NEW).read(rotating.issue(a_ticket())) == a_ticket()
    assert refused(old, NEW) == "unknown key"


def test_a_key_may_be_text_or_bytes() -> None:
    assert tickets(NEW.encode()).read(tickets(NEW).issue(a_ticket())) == a_ticket()


def test_without_keys_there_are_no_tickets() -> None:
    with pytest.raises(ValueError, match="secret key"):
        Tickets([], lambda: NOW)


def test_the_key_id_of_one_key_and_the_signature_of_another_are_refused() -> None:
    own = jwt.get_unverified_header(tickets(NEW).issue(a_ticket()))

    forged = signed(claims_of(tickets().issue(a_ticket())), secret=FOREIGN, kid=own["kid"])

    assert refused(forged) == "InvalidSignatureError"


def test_the_secret_itself_signs_nothing() -> None:
    claims = claims_of(tickets().issue(a_ticket()))
    own = jwt.get_unverified_header(tickets(NEW).issue(a_ticket()))

    forged = jwt.encode(claims, NEW, algorithm="HS256", headers=own)

    assert refused(forged) == "InvalidSignatureError"


# -- forgeries ----------------------------------------------------------------------


def test_a_ticket_in_which_one_character_is_changed_is_refused() -> None:
    text = tickets().issue(a_ticket())

    for at in range(0, len(text), 7):
        other = "A" if text[at] != "A" else "B"
        with pytest.raises(InvalidTicket):
            tickets().read(text[:at] + other + text[at + 1 :])


def test_a_ticket_without_a_signature_is_refused() -> None:
    head, body, _signature = tickets().issue(a_ticket()).split(".")
    none = _part({**json.loads(_bytes(head)), "alg": "none"})

    assert refused(f"{none}.{body}.") == "no ticket"
    assert refused(f"{none}.{body}.AAAA") == "another kind of token"


def test_a_ticket_signed_with_a_public_key_as_the_secret_is_refused() -> None:
    public = generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _signature = tickets().issue(a_ticket()).split(".")
    mac = jwt.get_algorithm_by_name("HS256")

    forged = mac.sign(f"{head}.{body}".encode(), pem)

    assert refused(f"{head}.{body}.{_base64(forged)}") == "InvalidSignatureError"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"alg": "HS512"},
        {"kid": "unknown"},
        {"jku": "https://evil.example/keys"},
        {"b64": False},
        {"crit": ["exp"]},
    ],
)
def test_a_header_that_is_not_ours_is_refused(header: dict[str, Any]) -> None:
    head, body, _signature = tickets().issue(a_ticket()).split(".")
    other = _part({**json.loads(_bytes(head)), **header})
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{other}.{body}".encode(), key_of(NEW))

    refused(f"{other}.{body}.{_base64(signature)}")


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(("p", value) for value in ("", "x", "act", 1, None, ["a"])),
        *(("i", value) for value in ("", "a b", "a/b", "a" * 65, "ä", "a\n", 7, None)),
        *((name, value) for name in "srvt" for value in (-1, 10**9, 1.5, "1", True, None)),
        *(("a", value) for value in ("", "x" * 161, 1, None)),
        *(("l", value) for value in ("", "x", "x" * 23, "!" * 22, 1, None)),
        *((name, value) for name in "do" for value in ("", "x" * 65, 7, None, {})),
        *(("exp", value) for value in (-1, 0, 10**18, "1797811200", True, None, 1797811200.5)),
        ("nbf", 1),
        ("aud", "somebody"),
    ],
)
def test_each_claim_alone_wrong_is_refused(claim: str, value: Any) -> None:
    refused(changed(**{claim: value}))


@pytest.mark.parametrize("claim", sorted(claims_of(tickets().issue(a_ticket()))))
def test_each_claim_alone_missing_is_refused(claim: str) -> None:
    claims = claims_of(tickets().issue(a_ticket()))

    refused(signed({name: value for name, value in claims.items() if name != claim}))


def test_a_refresh_names_no_action_and_an_act_does() -> None:
    assert refused(changed(p="r")) == "a does not go with p"
    assert refused(changed(a="")) == "a does not go with p"


@pytest.mark.parametrize("claims", [[], "text", 7, None])
def test_what_is_signed_and_no_object_is_refused(claims: Any) -> None:
    head = tickets().issue(a_ticket()).split(".")[0]
    body = _part(claims)
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), key_of(NEW))

    refused(f"{head}.{body}.{_base64(signature)}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        "%2e",
        "\x00",
        "täst.a.b",
        "\ud800.a.b",
        "a.b.c\n",
        "Ⅷ.a.b",
        f"{'[' * 1000}.b.c",
    ],
)
def test_what_is_no_ticket_at_all_is_refused(text: str) -> None:
    refused(text)


def test_an_endless_ticket_is_refused_before_it_is_read() -> None:
    text = tickets().issue(a_ticket())

    assert refused(text + "A" * LONGEST) == "too long"
    assert refused("a" * 10_000_000) == "too long"


def test_nesting_without_end_in_a_header_is_refused() -> None:
    head = _base64(b"[" * 2500)

    refused(f"{head}.e30.AAAA")


@given(st.text(max_size=200))
def test_any_text_is_refused_and_nothing_worse(text: str) -> None:
    refused(text)


def test_no_reason_has_a_word_of_anybodys() -> None:
    secret = "maria.keller@example.com"

    reasons = [refused(changed(**{name: secret * 9})) for name in "pisrvtaldo"]

    assert not [reason for reason in reasons if "maria" in reason]


# -- links --------------------------------------------------------------------------


def link_maker(public_url: str = "https://approvals.example.com") -> TicketLinks:
    return TicketLinks(tickets(), public_url, LETTER, MARIA, NOW + timedelta(days=14))


@pytest.mark.parametrize(
    "public_url", ["https://approvals.example.com", "https://approvals.example.com/"]
)
def test_a_link_carries_where_it_was_shown_and_to_whom(public_url: str) -> None:
    approval = an_approval(a_place(attempt=4, round=2), a_place(1), revision=7, round=2)

    url = link_maker(public_url).act(a_view(approval), REJECT)

    path, _slash, ticket = url.rpartition("/")
    assert path == "https://approvals.example.com/outlook/act"
    assert tickets().read(ticket) == a_ticket(
        public_id="pr-9q2f4zt1", seat=0, round=2, revision=7, attempt=4, action="Reject"
    )


def test_a_refresh_stays_with_the_round_of_its_card() -> None:
    approval = an_approval(a_place(round=2), a_place(1), round=2)

    url = link_maker().refresh(a_view(approval, round=1))

    path, _slash, ticket = url.rpartition("/")
    assert path == "https://approvals.example.com/outlook/refresh"
    read = tickets().read(ticket)
    assert (read.purpose, read.round, read.action) == (Purpose.REFRESH, 1, "")


def test_every_action_and_every_letter_has_a_link_of_its_own() -> None:
    view = a_view()
    other = TicketLinks(
        tickets(), "https://a.example", uuid4().hex, MARIA, NOW + timedelta(days=14)
    )

    made = [link_maker().act(view, action) for action in view.tenant.actions]
    made += [link_maker().refresh(view), other.refresh(view)]

    assert len({url.rpartition("/")[2] for url in made}) == len(made)


# -- as a forger writes them ----------------------------------------------------------


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "==")


def _part(value: Any) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())
