"""Which program this is: the same text for all processes that run the same code."""

from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PARTS = (
    "app.py",
    *(f"{part}/**/*.py" for part in ("approvals_core", "bots", "cards", "config", "house")),
)


def version_of(root: Path) -> str:
    """Return the first characters of a hash over all Python files of the program below *root*."""
    hashed = sha256()
    for file in sorted(file for part in PARTS for file in root.glob(part)):
        hashed.update(f"{file.relative_to(root)}\n".encode() + file.read_bytes())
    return hashed.hexdigest()[:10]


VERSION = version_of(ROOT)
