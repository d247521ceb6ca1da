"""Mails to be sent, for the tests of senders."""

from approvals_core.ports import Mail

LETTER = "0123456789abcdef0123456789abcdef"
FIRST = "fedcba9876543210fedcba9876543210"


def a_mail(**changed: object) -> Mail:
    """A mail to Maria, the first of its thread."""
    given: dict[str, object] = {
        "id": LETTER,
        "thread": LETTER,
        "to": "johndoe1@organization.com",
        "subject": "Approve PR-2026-00417: laptops",
        "html": "<html><body><h1>Laptops</h1><p>For the design team</p></body></html>",
        "text": "Laptops\nFor the design team",
    }
    return Mail(**(given | changed))  # pyright: ignore[reportArgumentType]
