"""`outlook-key`: the public key of signed cards, as the Actionable Messages portal wants it."""

from pathlib import Path

from approvals_core.adapters.card_signing import BadSigningKey, CardSigner
from approvals_core.adapters.small_files import read_small
from bots.cli.finding import Say

LARGEST = 64 * 1024  # bytes of a PEM file
NO_KEY = "There is no key: set APPROVALS_OUTLOOK_SIGNING_KEY, or name the file with --key."


def say_public_key(path: Path | None, say: Say) -> bool:
    """Say the public key of the private one in *path*, or why there is none; return whether it was said."""
    if path is None:
        say(NO_KEY)
        return False
    try:
        signer = CardSigner.from_pem(read_small(path, LARGEST))
    except OSError as problem:
        say(f"{path} cannot be read: {problem.strerror}")
        return False
    except BadSigningKey as problem:
        say(f"{path}: {problem}")
        return False
    say(signer.public_key_xml())
    return True
