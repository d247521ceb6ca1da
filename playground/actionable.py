"""Which card of a mail Outlook shows, and, as its debugger does, why it shows none."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from email.utils import getaddresses, parseaddr
from typing import Any, NamedTuple

import jwt

from playground.mailboxes import ReceivedMail, Via
from playground.markup import Markup, markup_of
from playground.records import Json

# outlook-dev-docs: get-started.md, adaptive-card.md, security-requirements.md, actionable-messages-faq.md.
ACTS_FOR = timedelta(days=30)  # "no action on a message older than one month"
LARGEST = 28 * 1024  # bytes of a card: Outlook's own limit is undocumented, this is Teams'
HTTP, EXECUTE = "Action.Http", "Action.Execute"
NOT_DRAWN = ("Action.Submit", "Input.Time")
LOOPBACK = ("http://127.0.0.1:", "http://localhost:")


class Provider(NamedTuple):
    """A provider of actionable messages as it is registered in the portal."""

    originator: str
    sender: str  # the one address that its mails come from
    targets: tuple[str, ...]  # what the URLs of its actions begin with
    public_key: str = ""  # PEM; "": its cards need no signature


class Verdict(NamedTuple):
    """
    What Outlook does with a mail's card.

    *card* is None if it shows none; *refusals* say why, and are empty if the mail has none.
    *remarks* are about what it leaves out of a card that it shows.
    """

    card: Json | None
    refusals: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def verdict(mail: ReceivedMail, reader: str, provider: Provider) -> Verdict:
    """Judge the card of *mail* for *reader*, the address whose inbox it lies in."""
    markup = markup_of(mail.html)
    if not markup.scripts and not markup.signed:
        return Verdict(None)
    card, problems = _signed(markup, mail, provider) if markup.signed else _plain(markup)
    if card is not None:
        problems = [*problems, *_of_mail(mail, reader, provider), *refusals(card, provider)]
    if card is None or problems:
        return Verdict(None, tuple(problems))
    return Verdict(card, (), tuple(_remarks(card)))


def refusals(card: Json, provider: Provider) -> list[str]:
    """Return why Outlook does not take *card*, be it a mail's or an answer's."""
    return [*_of_provider(card, provider), *_of_models(card), *_of_actions(card, provider)]


def actions_of(card: Json) -> list[Json]:
    """Return all actions of *card* and of the cards that it opens, but not autoInvokeAction."""
    found = [part for part in _parts(card) if str(part.get("type", "")).startswith("Action.")]
    return [one for one in found if one is not card.get("autoInvokeAction")]


def sender_of(mail: ReceivedMail) -> tuple[str, str]:
    """Return the name, perhaps "", and the address that the mail says it comes from."""
    name, address = parseaddr(mail.headers.get("from", mail.sender))
    return name, address or mail.sender


def visible_to(mail: ReceivedMail) -> list[str]:
    """Return the addresses in To and Cc, in lower case."""
    if mail.via is Via.GRAPH:
        message = json.loads(mail.raw)
        listed = [*message.get("toRecipients", []), *message.get("ccRecipients", [])]
        return [str(one["emailAddress"]["address"]).lower() for one in listed]
    fields = [mail.headers.get("to", ""), mail.headers.get("cc", "")]
    return [address.lower() for _, address in getaddresses(fields) if address]


# -- where the card comes from ------------------------------------------------------


def _plain(markup: Markup) -> tuple[Json | None, list[str]]:
    found = markup.scripts[0]
    if found.kind != "application/adaptivecard+json":
        return None, [
            f"The script's type is {found.kind}: a card needs application/adaptivecard+json."
        ]
    if not found.in_head:
        return None, ["The card is not in the HTML's head."]
    card = _object(found.text)
    return card, [] if card is not None else ["The card is not JSON that can be read."]


def _signed(
    markup: Markup, mail: ReceivedMail, provider: Provider
) -> tuple[Json | None, list[str]]:
    """Take the card out of the JWS; nothing of the mail itself is believed then."""
    if not provider.public_key:
        return None, ["The card is signed, and no public key is registered for its provider."]
    try:
        claims: Json = jwt.decode(
            markup.signed.strip(),
            provider.public_key,
            algorithms=["RS256"],
            options={"verify_aud": False, "require": ["iat"]},
        )
    except jwt.InvalidTokenError as problem:
        return None, [
            f"Adaptive card signature validation failed - Failed to validate signature ({problem})."
        ]
    card = _object(str(claims.get("adaptiveCardSerialized", "")))
    if card is None:
        return None, ["The signed card is not JSON that can be read."]
    return card, list(_of_claims(claims, mail, provider))


def _of_claims(claims: Json, mail: ReceivedMail, provider: Provider) -> Iterator[str]:
    if claims.get("originator") != provider.originator:
        yield "The signature's originator is not the registered provider."
    if str(claims.get("sender", "")).lower() != sender_of(mail)[1].lower():
        yield "The signature's sender is not the mail's."
    try:
        recipients = json.loads(str(claims.get("recipientsSerialized", "")))
    except ValueError:
        recipients = None
    named = sorted(str(one).lower() for one in recipients) if isinstance(recipients, list) else None
    if named != sorted(visible_to(mail)):
        yield "The signature's recipients are not the mail's To and Cc."


# -- what is wrong with it ----------------------------------------------------------


def _of_mail(mail: ReceivedMail, reader: str, provider: Provider) -> Iterator[str]:
    sender = sender_of(mail)[1]
    if sender.lower() != provider.sender.lower():
        yield f"The sender {sender} is not the provider's, which is {provider.sender}."
    if reader.lower() not in visible_to(mail):
        yield "The recipient is neither in To nor in Cc: nobody in Bcc sees a card."


def _of_provider(card: Json, provider: Provider) -> Iterator[str]:
    originator = card.get("originator")
    if not originator:
        yield "The card has no originator: Outlook removes such a card."
    elif originator != provider.originator:
        yield f"The originator {originator} is not the registered provider."
    size = len(json.dumps(card, ensure_ascii=False).encode())
    if size > LARGEST:
        yield f"The card has {size:,} bytes, more than {LARGEST:,}."
    if card.get("type") != "AdaptiveCard" or not card.get("body"):
        yield "The card is empty: Outlook refuses placeholders."


def _of_models(card: Json) -> Iterator[str]:
    kinds = {action["type"] for action in actions_of(card)}
    version = str(card.get("version", ""))
    if {HTTP, EXECUTE} <= kinds:
        yield f"The card has both {HTTP} and {EXECUTE}: one mail may use one of them."
    elif EXECUTE in kinds:
        yield f"The card uses {EXECUTE}: no bot is registered for this provider."
    elif version != "1.0" and (HTTP in kinds or "autoInvokeAction" in card):
        yield f"Card version {version or 'is missing'} with {HTTP}: it works at 1.0 only."


def _of_actions(card: Json, provider: Provider) -> Iterator[str]:
    auto = card.get("autoInvokeAction")
    every = [one for one in actions_of(card) if one["type"] == HTTP]
    for action in [*every, *([auto] if isinstance(auto, dict) else [])]:
        yield from _of_action(action, provider)
    if isinstance(auto, dict) and str(auto.get("method")).upper() != "POST":
        yield "autoInvokeAction must be a POST."


def _of_action(action: Json, provider: Provider) -> Iterator[str]:
    url, title = str(action.get("url", "")), action.get("title", "autoInvokeAction")
    if not url.startswith(("https://", *LOOPBACK)):
        yield f"{title}: the target URL is not https."
    elif not url.startswith(provider.targets):
        yield f"{title}: the target URL {url.partition('?')[0][:60]}… is not allowed: it is not registered."
    method, body = str(action.get("method", "")).upper(), action.get("body")
    if method not in ("GET", "POST"):
        yield f"{title}: the method must be GET or POST."
    if method == "POST" and not isinstance(body, str):
        yield f"{title}: a POST needs a body, which is a string."


def _remarks(card: Json) -> Iterator[str]:
    for kind in sorted({str(part.get("type")) for part in _parts(card)} & set(NOT_DRAWN)):
        yield f"{kind} is not shown in Outlook."


# -- walking through it -------------------------------------------------------------


def _parts(part: Any) -> Iterator[Json]:
    if isinstance(part, dict):
        yield part
    inside: Iterable[Any] = part.values() if isinstance(part, dict) else part
    for one in inside if isinstance(part, dict | list) else ():
        if isinstance(one, dict | list):
            yield from _parts(one)


def _object(text: str) -> Json | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
