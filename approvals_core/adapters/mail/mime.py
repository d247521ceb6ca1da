"""A mail as MIME: HTML with its plain-text twin, and headers into which nothing can be smuggled."""

import re
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from approvals_core.errors import Unreachable
from approvals_core.ports import Mail

# A dot-atom of RFC 5322, 3.2.3, at a host name: quoted local parts and address literals are
# legal, and no employee's.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
LETTER_HEADER = "X-Approvals-Letter"
LONGEST_LINE = 255  # characters of a subject that Exchange takes


def wire_address(address: str) -> str:
    """
    Return *address* as SMTP takes it without SMTPUTF8: in ASCII, a domain with other letters as IDNA.

    Raises:
        Unreachable: It is no address, or the part before the @ has other letters.
    """
    local, _at, domain = address.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    written = f"{local}@{ascii_domain}"
    if not _ADDRESS.fullmatch(written):
        raise Unreachable("the address is none that a mail over SMTP can go to")
    return written


def mime_of(mail: Mail, *, sender: str, sender_name: str, to: str, at: datetime) -> bytes:
    """
    Return *mail* as it goes over the wire, in ASCII with CRLF; *sender* and *to* are wire addresses.

    Message-ID and References are made from ids and the sender's domain, so that the
    same mail sent again has the same identity (RFC 5322, 3.6.4).
    """
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox(sender, sender_name)
    message["To"] = _mailbox(to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = at
    message["Message-ID"] = f"<{mail.id}@{domain}>"
    if not mail.begins:
        message["In-Reply-To"] = message["References"] = f"<{mail.thread}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered to us
    message[LETTER_HEADER] = mail.id
    # Cards and tables make lines longer than the 998 octets that SMTP allows.
    message.set_content(_characters(mail.text), cte="quoted-printable")
    message.add_alternative(_characters(mail.html), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def one_line(text: str) -> str:
    """
    Return *text*, not too long, without what could begin a new header: line breaks, control characters.

    Text that looks like an encoded word (RFC 2047) would be decoded on its way into the
    header, whatever it hides: a space takes that from it.
    """
    line = _UNSAFE.sub(" ", text).replace("=?", "= ?").strip()
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def _mailbox(address: str, name: str = "") -> Address:
    try:
        return Address(display_name=one_line(name), addr_spec=address)
    except (ValueError, HeaderParseError) as problem:
        raise Unreachable("the address is none that a mail over SMTP can go to") from problem


def _characters(text: str) -> str:
    """Return *text* without halves of characters, which no encoding of the wire has."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
