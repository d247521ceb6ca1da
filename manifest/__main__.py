"""`python -m manifest`: builds the Teams app package from the service's settings, if it is right."""

import sys
from pathlib import Path

from pydantic import ValidationError

from config import Settings, mistakes
from manifest.checks import mistakes_in
from manifest.package import MissingSettings, manifest_of, zipped
from manifest.schema import NoNode

OUT = Path("build/approvals-teams.zip")
DONE, MISTAKES = 0, 2


def main() -> int:
    """Build the package; return the exit code."""
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue] (the environment fills it)
    except ValidationError as problem:
        return _refused(mistakes(problem))
    return build(settings, OUT)


def build(settings: Settings, out: Path) -> int:
    """Write the package to *out*, or say what is wrong and leave none there."""
    out.unlink(missing_ok=True)  # an older one must not pass for what was asked for now
    try:
        manifest = manifest_of(settings)
        package = zipped(manifest)
        found = mistakes_in(package)
    except (MissingSettings, NoNode) as problem:
        return _refused(str(problem).splitlines())
    if found:
        return _refused(found)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(package)
    _say(f"{out}: {manifest['name']['short']} {manifest['version']}, app {manifest['id']}")
    return DONE


def _refused(lines: list[str]) -> int:
    for line in ["There is no package, because of this:", *lines]:
        print(line, file=sys.stderr)  # noqa: T201 (for the person at the terminal)
    return MISTAKES


def _say(line: str) -> None:
    print(line)  # noqa: T201 (for the person at the terminal)


if __name__ == "__main__":
    sys.exit(main())
