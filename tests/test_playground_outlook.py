"""Outlook without a browser: which cards it shows, what a press sends, what an answer changes, how mails are forwarded."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from playground import names
from playground.actionable import verdict
from playground.certificates import CertificateAuthority
from playground.faults import FaultKind
from playground.http_action import request_of
from playground.looks import in_look
from playground.mailboxes import Via
from playground.outlook import TOO_OLD, TROUBLE
from playground.outside import Playground
from playground.spoken import Said, beginning, spoken
from tests.hand_made_mails import Target, a_card, a_mail, an_html, an_http, target

__all__ = ["target"]

Json = dict[str, Any]
MARIA, JONAS = "johndoe1", "johndoe2"
MARIAS = f"{MARIA}@{names.DOMAIN}"
DONE = {"hideOriginalBody": True, "body": [{"type": "TextBlock", "text": "Approved"}]}
OURS = {"X-Playground": "page"}
LONG = 60.0  # seconds, where nobody is late but the machine


def judged(playground: Playground, html: str, **more: Any) -> tuple[Json | None, str]:
    """Return the card that Maria's Outlook shows of this mail, and why it shows none."""
    found = verdict(a_mail(playground, MARIA, html, **more), MARIAS, playground.outlook.provider)
    return found.card, " ".join(found.refusals)


# -- which card is shown ----------------------------------------------------------


async def test_a_good_card_is_shown(playground: Playground, target: Target) -> None:
    card = a_card(target.url, text="</script> and <!-- stay text")

    shown, why = judged(playground, an_html(card))

    assert (shown, why) == (card, "")


async def test_a_mail_without_a_card_has_nothing_to_be_refused(
    playground: Playground, target: Target
) -> None:
    assert judged(playground, an_html(None)) == (None, "")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"originator": ""}, "The card has no originator"),
        ({"originator": "somebody"}, "originator somebody is not the registered provider"),
        ({"version": "1.4"}, "Card version 1.4 with Action.Http"),
        ({"version": None}, "Card version None with Action.Http"),
        ({"body": []}, "The card is empty"),
        ({"actions": [{"type": "Action.Execute"}]}, "both Action.Http and Action.Execute"),
        ({"actions": [an_http("https://evil.example/act")]}, "is not allowed"),
        ({"actions": [an_http("http://evil.example/act")]}, "is not https"),
        ({"fallbackText": "x" * 30_000}, "bytes, more than"),
    ],
)
async def test_a_card_that_outlook_refuses_is_not_shown_and_the_reason_is(
    playground: Playground, target: Target, changed: Json, why: str
) -> None:
    shown, said = judged(playground, an_html(a_card(target.url, **changed)))

    assert shown is None
    assert why in said


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ({"body": {"an": "object"}}, "a POST needs a body, which is a string"),
        ({"method": "PUT"}, "the method must be GET or POST"),
    ],
)
async def test_an_action_that_outlook_refuses_takes_the_card_with_it(
    playground: Playground, target: Target, action: Json, why: str
) -> None:
    wrong = an_http(f"{target.url}/outlook/act/x", **action)

    shown, said = judged(playground, an_html(a_card(target.url, actions=[wrong])))

    assert shown is None
    assert why in said


async def test_auto_invoke_must_be_a_registered_post(
    playground: Playground, target: Target
) -> None:
    card = a_card(target.url, autoInvokeAction=an_http("https://evil.example/", method="GET"))

    shown, said = judged(playground, an_html(card))

    assert shown is None
    assert "autoInvokeAction must be a POST" in said
    assert "is not allowed" in said


async def test_only_the_registered_sender_may_send_a_card(
    playground: Playground, target: Target
) -> None:
    headers = {"from": "Approvals <approvals@evil.example>", "to": MARIAS}

    shown, said = judged(playground, an_html(a_card(target.url)), headers=headers)

    assert shown is None
    assert "The sender approvals@evil.example is not the provider's" in said


async def test_who_is_in_bcc_sees_no_card(playground: Playground, target: Target) -> None:
    headers = {"from": names.MAIL_FROM, "to": "johndoe2@organization.com"}

    shown, said = judged(playground, an_html(a_card(target.url)), headers=headers)

    assert shown is None
    assert "nobody in Bcc sees a card" in said


async def test_graphs_recipients_are_in_its_message(playground: Playground, target: Target) -> None:
    raw = json.dumps({"toRecipients": [{"emailAddress": {"address": MARIAS.upper()}}]})

    shown, said = judged(
        playground, an_html(a_card(target.url)), via=Via.GRAPH, headers={}, raw=raw
    )

    assert shown is not None, said


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<head></head><body>{script}</body>", "not in the HTML's head"),
        ("<head>{ld}</head><body></body>", "application/ld+json"),
        ("<head>{broken}</head><body></body>", "not JSON that can be read"),
    ],
)
async def test_a_card_in_the_wrong_place_is_not_found(
    playground: Playground, target: Target, html: str, why: str
) -> None:
    text = json.dumps(a_card(target.url))
    script = f'<script type="application/adaptivecard+json">{text}</script>'
    written = html.format(
        script=script, ld=script.replace("adaptivecard", "ld"), broken=script.replace("{", "", 1)
    )

    shown, said = judged(playground, written)

    assert shown is None
    assert why in said


# -- signed cards -----------------------------------------------------------------

KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(card: Json, *, key: rsa.RSAPrivateKey = KEY, **changed: Any) -> str:
    claims = {
        "originator": names.ORIGINATOR,
        "iat": int(datetime.now(UTC).timestamp()),
        "sender": names.MAIL_FROM,
        "recipientsSerialized": json.dumps([MARIAS]),
        "adaptiveCardSerialized": json.dumps(card),
        **changed,
    }
    token = jwt.encode(claims, key, algorithm="RS256")
    section = (
        '<section itemscope itemtype="http://schema.org/SignedAdaptiveCard">'
        f'<div itemprop="signedAdaptiveCard" style="display:none">{token}</div>\n<p>after it</p></section>'
    )
    return an_html(None, f"<p>Hello</p>{section}")


async def test_a_signed_card_is_the_one_that_is_shown(
    playground: Playground, target: Target
) -> None:
    playground.outlook.provider = playground.outlook.provider._replace(public_key=PUBLIC)
    card = a_card(target.url)

    assert judged(playground, signed(card)) == (card, "")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"key": OTHER_KEY}, "Failed to validate signature"),
        ({"originator": "x"}, "The signature's originator"),
        ({"sender": "x@evil.example"}, "The signature's sender"),
        ({"recipientsSerialized": '["x@evil.example"]'}, "The signature's recipients"),
        ({"recipientsSerialized": "x"}, "The signature's recipients"),
        ({"adaptiveCardSerialized": "x"}, "not JSON that can be read"),
    ],
)
async def test_a_signature_that_does_not_hold_shows_no_card(
    playground: Playground, target: Target, changed: Json, why: str
) -> None:
    playground.outlook.provider = playground.outlook.provider._replace(public_key=PUBLIC)

    shown, said = judged(playground, signed(a_card(target.url), **changed))

    assert shown is None
    assert why in said


async def test_without_a_registered_key_no_signature_counts(
    playground: Playground, target: Target
) -> None:
    shown, said = judged(playground, signed(a_card(target.url)))

    assert shown is None
    assert "no public key is registered" in said


# -- what a press sends -----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "typed", "body"),
    [
        ("text/plain; charset=utf-8", 'a "b"\nc&d', 'x=a "b"\nc&d'),
        ("application/json", 'a "b"\nc', r"x=a \"b\"\nc"),
        ("application/json; charset=utf-8", 'a "b"', 'x=a "b"'),  # turns the escaping off
        ("application/x-www-form-urlencoded", "a b&ü!", "x=a%20b%26%C3%BC!"),
        ("text/plain", "", "x="),
        ("text/plain", "costs $& or $$5", "x=costs {{comment.value}} or $5"),  # String.replace
    ],
)
def test_placeholders_are_filled_as_the_renderer_fills_them(
    kind: str, typed: str, body: str
) -> None:
    headers = [{"name": "Content-Type", "value": kind}, {"name": "X", "value": "{{comment.value}}"}]
    action = an_http(
        "https://x.example/?c={{Comment.value}}", headers=headers, body="x={{comment.value}}"
    )

    sent = request_of(action, {"comment": typed})

    assert sent.body == body
    assert sent.url == f"https://x.example/?c={quote(typed, safe='!')}"
    assert sent.headers["Content-Type"] == kind


def test_an_input_whose_id_has_a_hyphen_is_never_filled_in() -> None:
    action = an_http("https://x.example/", body="{{my-comment.value}}")

    assert request_of(action, {"my-comment": "text"}).body == "{{my-comment.value}}"


async def test_a_press_brings_the_persons_own_token_and_ids(
    playground: Playground, target: Target
) -> None:
    card = a_card(target.url)
    mail = a_mail(playground, MARIA, an_html(card))
    approve = card["body"][-1]["actions"][0]

    answer = await playground.outlook.press(MARIA, mail.id, approve, {"comment": "Fine.\nGo on."})

    assert answer.status == 200
    [(path, headers, body)] = target.asked
    assert (path, body) == ("/outlook/act/approve", "Fine.\nGo on.")
    assert "authorization" not in headers  # the card wants it for itself
    token = headers["action-authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["oid"] == playground.world.people[MARIA].object_id
    assert headers["card-correlation-id"] == card["correlationId"]
    assert len(headers["action-request-id"]) == 36


async def test_a_press_has_an_id_of_its_own_but_where_it_is_delivered_once_more(
    playground: Playground, target: Target
) -> None:
    card = a_card(target.url)
    mail, approve = a_mail(playground, MARIA, an_html(card)), card["body"][-1]["actions"][0]

    for request in ("", "", "the-same", "the-same"):
        await playground.outlook.press(MARIA, mail.id, approve, request=request)

    first, second, *again = [headers["action-request-id"] for _, headers, _ in target.asked]
    assert first != second
    assert again == ["the-same", "the-same"]


async def test_a_card_that_says_nothing_of_authorization_gets_the_token_there(
    playground: Playground, target: Target
) -> None:
    press = an_http(f"{target.url}/outlook/act/approve", headers=[])
    mail = a_mail(playground, MARIA, an_html(a_card(target.url, actions=[press], body=[{"a": 1}])))

    await playground.outlook.press(MARIA, mail.id, press)

    [(_, headers, _)] = target.asked
    assert headers["authorization"].startswith("Bearer ")
    assert "action-authorization" not in headers


async def test_what_is_not_on_the_card_cannot_be_pressed(
    playground: Playground, target: Target
) -> None:
    mail = a_mail(playground, MARIA, an_html(a_card(target.url)))

    with pytest.raises(LookupError, match="no such button"):
        await playground.outlook.press(MARIA, mail.id, an_http(f"{target.url}/outlook/act/other"))
    assert target.asked == []


async def test_nothing_is_sent_for_a_mail_older_than_a_month(
    playground: Playground, target: Target
) -> None:
    card = a_card(target.url)
    old = datetime.now(UTC) - timedelta(days=31)
    mail = a_mail(playground, MARIA, an_html(card), at=old)

    await playground.outlook.press(MARIA, mail.id, card["body"][-1]["actions"][0])

    assert playground.outlook.reading(MARIA, mail.id).status == TOO_OLD
    assert target.asked == []


# -- what the answer changes ------------------------------------------------------


async def test_the_card_in_the_answer_takes_the_mails_place(
    playground: Playground, target: Target
) -> None:
    card, target.card = a_card(target.url), a_card(target.url, **DONE)
    mail = a_mail(playground, MARIA, an_html(card))

    await playground.outlook.press(MARIA, mail.id, card["body"][-1]["actions"][0])

    assert playground.outlook.shown(MARIA, mail.id) == target.card
    assert not playground.outlook.reading(MARIA, mail.id).failed


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"announces": False}, ""),
        ({"status": 403, "told": "Not yours."}, "Not yours."),
        ({"status": 500}, TROUBLE),
        ({"originator": "x"}, "The originator x is not the registered provider."),
    ],
)
async def test_an_answer_without_a_good_card_leaves_the_one_that_is_there(
    playground: Playground, target: Target, answer: Json, status: str
) -> None:
    card = a_card(target.url)
    mail = a_mail(playground, MARIA, an_html(card))
    originator = answer.get("originator", names.ORIGINATOR)
    target.card = a_card(target.url, **DONE | {"originator": originator})
    target.status, target.told = answer.get("status", 200), answer.get("told", "")
    target.announces = answer.get("announces", True)

    await playground.outlook.press(MARIA, mail.id, card["body"][-1]["actions"][0])

    assert playground.outlook.shown(MARIA, mail.id) == card
    reading = playground.outlook.reading(MARIA, mail.id)
    assert (reading.status, reading.failed) == (status, target.status != 200)


async def test_an_opened_mail_is_read_and_asks_for_its_card_anew(
    playground: Playground, target: Target
) -> None:
    card, target.card = a_card(target.url), a_card(target.url, **DONE)
    mail = a_mail(playground, MARIA, an_html(card))
    playground.outlook.auto_invoke_within = LONG

    assert playground.outlook.open(MARIA, mail.id) == card
    await playground.outlook.auto_invoke(MARIA, mail.id)

    assert playground.outlook.shown(MARIA, mail.id) == target.card
    assert playground.outlook.reading(MARIA, mail.id).read
    assert [path for path, _, _ in target.asked] == ["/outlook/refresh/t"]


async def test_an_answer_that_takes_too_long_is_ignored(
    playground: Playground, target: Target
) -> None:
    card, target.card = a_card(target.url), a_card(target.url, **DONE)
    target.hold = asyncio.Event()
    mail = a_mail(playground, MARIA, an_html(card))

    answer = await playground.outlook.auto_invoke(MARIA, mail.id)
    target.hold.set()

    assert answer is not None
    assert answer.status is None
    assert playground.outlook.shown(MARIA, mail.id) == card
    assert "no answer within 2 s" in playground.outlook.reading(MARIA, mail.id).invoked


async def test_a_card_without_auto_invoke_stays_as_it_is(
    playground: Playground, target: Target
) -> None:
    card = a_card(target.url)
    del card["autoInvokeAction"]
    mail = a_mail(playground, MARIA, an_html(card))

    assert await playground.outlook.auto_invoke(MARIA, mail.id) is None
    assert target.asked == []


async def test_what_was_read_and_shown_is_known_after_a_restart(
    authority: CertificateAuthority, tmp_path: Path, playground: Playground, target: Target
) -> None:
    async with Playground(authority, tmp_path) as before:
        before.meet(target.url)
        before.outlook.auto_invoke_within = LONG
        target.card = a_card(target.url, **DONE)
        mail = a_mail(before, MARIA, an_html(a_card(target.url)))
        before.outlook.open(MARIA, mail.id)
        await before.outlook.auto_invoke(MARIA, mail.id)

    async with Playground(authority, tmp_path) as after:
        after.meet(target.url)

        assert after.outlook.shown(MARIA, mail.id) == target.card
        assert after.outlook.reading(MARIA, mail.id).read


# -- forwarding -------------------------------------------------------------------


async def test_a_forwarded_mail_keeps_its_text_and_loses_its_card(
    playground: Playground, target: Target
) -> None:
    mail = a_mail(playground, MARIA, an_html(a_card(target.url)))

    copy = playground.outlook.forward(MARIA, mail.id, JONAS)

    assert playground.outlook.verdict(JONAS, copy.id) == (None, (), ())
    assert "Laptops for Lisbon" in copy.html
    assert target.url not in copy.html
    assert (copy.subject, copy.sender) == (f"Fw: {mail.subject}", MARIAS)


async def test_a_forwarded_mail_loses_its_signed_card_too(
    playground: Playground, target: Target
) -> None:
    mail = a_mail(playground, MARIA, signed(a_card(target.url)))

    copy = playground.outlook.forward(MARIA, mail.id, JONAS)

    assert "itemprop" not in copy.html
    assert "Hello" in copy.html


async def test_a_hostile_forward_shows_the_card_and_calls_as_the_one_who_has_it(
    playground: Playground, target: Target
) -> None:
    card = a_card(target.url)
    mail = a_mail(playground, MARIA, an_html(card))

    copy = playground.outlook.forward(MARIA, mail.id, JONAS, hostile=True)
    await playground.outlook.press(JONAS, copy.id, card["body"][-1]["actions"][0])

    [(_, headers, _)] = target.asked
    token = headers["action-authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["oid"] == playground.world.people[JONAS].object_id


# -- what a screen reader says ----------------------------------------------------

READ_OUT = """
<html><head><title>No</title><style>p {}</style></head><body>
<div style="display: none">hidden</div><span aria-hidden="true">✓</span>
<h1>Approve <b>laptops</b></h1><p>Ana asks. <a href="https://x.example">Open it</a>.</p>
<table role="presentation"><tr><td>Total</td><td>12</td></tr></table>
<table><tr><th>Item</th><th>Price</th></tr><tr><td>Dock</td><td>4</td></tr></table>
<img src="a.png" alt="Logo"><img src="b.png" alt=""><img src="c.png"></body></html>
"""


def test_a_screen_reader_reads_in_order_what_is_not_hidden() -> None:
    lines = spoken(READ_OUT)

    assert lines == [
        [Said("heading 1", "Approve laptops")],
        [Said("", "Ana asks."), Said("link", "Open it"), Said("", ".")],
        [Said("", "Total")],
        [Said("", "12")],
        [Said("table", "begins")],
        [Said("header cell", "Item"), Said("header cell", "Price")],
        [Said("cell", "Dock"), Said("cell", "4")],
        [Said("table", "ends")],
        [Said("image", "Logo"), Said("image", "without a description")],
    ]


def test_where_an_item_of_a_list_begins_is_said_once() -> None:
    lines = spoken(
        '<ul><li><a href="https://x.example">Quote</a> <span>(184 KB)</span></li>'
        '<li><span aria-hidden="true">●</span> Maria <b>Keller</b><br>is asked now<p>soon</p></li>'
        "<li> </li></ul><p>After</p>"
    )

    assert lines == [
        [Said("list item, link", "Quote"), Said("", "(184 KB)")],
        [Said("list item", "Maria Keller")],
        [Said("", "is asked now")],
        [Said("", "soon")],
        [Said("", "After")],
    ]


STYLED = (
    "<html><head><style>@media (max-width:9px) and (prefers-color-scheme:dark){p{color:red}}"
    "@media (prefers-color-scheme: light){p{color:blue}}</style></head>"
    "<body>(prefers-color-scheme:dark)</body></html>"
)


@pytest.mark.parametrize(
    ("look", "dark", "light"),
    [("dark", "(min-width:0)", "(max-width:0)"), ("light", "(max-width:0)", "(min-width:0)")],
)
def test_a_mail_is_shown_dark_or_light_as_the_page_is(look: str, dark: str, light: str) -> None:
    shown = in_look(STYLED, look)

    assert f"(max-width:9px) and {dark}{{p{{color:red}}" in shown
    assert f"@media {light}{{p{{color:blue}}" in shown
    assert f":root{{color-scheme:{look} !important}}" in shown
    assert "<body>(prefers-color-scheme:dark)</body>" in shown


@pytest.mark.parametrize("look", ["", "auto", "dark}</style><script>"])
def test_a_mail_is_shown_as_the_system_prefers_unless_the_page_says_otherwise(look: str) -> None:
    assert in_look(STYLED, look) == STYLED


def test_an_inbox_shows_the_first_words() -> None:
    assert beginning(READ_OUT, length=40) == "Approve laptops Ana asks. Open it . Tot…"


# -- the page's API ---------------------------------------------------------------


async def asked(playground: Playground, path: str, body: Json) -> tuple[int, Json]:
    async with (
        aiohttp.ClientSession(playground.url) as http,
        http.post(f"/page/api/mail/{path}", json=body, headers=OURS) as response,
    ):
        return response.status, await response.json()


async def test_the_page_gets_the_mail_with_its_card_and_never_a_token(
    playground: Playground, target: Target
) -> None:
    card = a_card(target.url)
    mail = a_mail(playground, MARIA, an_html(card))

    status, answer = await asked(playground, "open", {"person": MARIA, "mail": mail.id})

    assert status == 200
    assert answer["pane"]["card"] == card
    assert answer["changed"][0]["read"] is True
    assert "eyJ" not in json.dumps(answer)


@pytest.mark.parametrize("path", ["open", "invoke", "press", "forward"])
async def test_nobody_opens_a_mail_that_is_not_there(
    playground: Playground, target: Target, path: str
) -> None:
    assert (await asked(playground, path, {"person": MARIA, "mail": "none"}))[0] == 400
    assert (await asked(playground, path, {"person": "mallory", "mail": "none"}))[0] == 400


async def test_a_press_on_no_button_of_the_card_is_refused(
    playground: Playground, target: Target
) -> None:
    mail = a_mail(playground, MARIA, an_html(a_card(target.url)))
    body = {"person": MARIA, "mail": mail.id, "action": {"type": "Action.Http"}}

    assert (await asked(playground, "press", body))[0] == 400
    assert target.asked == []


async def test_a_mail_is_not_forwarded_to_oneself(playground: Playground, target: Target) -> None:
    mail = a_mail(playground, MARIA, an_html(None))
    body = {"person": MARIA, "mail": mail.id, "to": MARIA}

    assert (await asked(playground, "forward", body))[0] == 400
    assert len(playground.world.mailboxes.of(MARIA)) == 1


async def test_a_mail_system_fails_as_told_until_it_is_told_otherwise(
    playground: Playground,
) -> None:
    greylisted = {"kind": "greylisted", "times": 1}
    await asked(playground, "fault", {"fault": greylisted})
    assert [one.kind for one in playground.world.faults["smtp"]] == [FaultKind.GREYLISTED]

    await asked(playground, "fault", {"fault": None})
    assert "smtp" not in playground.world.faults
    assert (await asked(playground, "fault", {"fault": {"kind": "pigeons"}}))[0] == 400


async def test_a_mails_html_runs_no_script_and_has_no_markup_left(
    playground: Playground, target: Target
) -> None:
    html = an_html(a_card(target.url), "<script>alert(1)</script><p>Hello</p>")
    mail = a_mail(playground, MARIA, html)

    async with (
        aiohttp.ClientSession(playground.url) as http,
        http.get(f"/page/mails/{MARIA}/{mail.id}") as response,
    ):
        policy, text = response.headers["Content-Security-Policy"], await response.text()

    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "adaptivecard" not in text
    assert '<head><base target="_blank">' in text


async def test_nothing_is_told_of_a_mail_before_somebody_opens_it(
    playground: Playground, target: Target
) -> None:
    mail = a_mail(playground, MARIA, an_html(a_card(target.url)))

    assert playground.outlook.reading(MARIA, mail.id).read is False
    assert target.asked == []
