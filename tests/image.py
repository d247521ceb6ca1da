"""Follows the Dockerfile in a fresh folder, for want of a container engine: its own lines, not copies of them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parent.parent
FOLDERS = (
    "venv",
    "app",
    "data",
    "build",
    "tenants",
    "cache",
)  # all that the Dockerfile makes at the top
_AT_THE_TOP = re.compile(rf"(?<![\w.-])/({'|'.join(FOLDERS)})\b")
_USER = "10001:10001"
# It may read what is root's alone on this machine, as its Python may be, and write nothing that is not its own.
_READS = "=-all,+dac_read_search"
_AS_USER = (
    *("setpriv", "--reuid", "10001", "--regid", "10001", "--clear-groups", "--no-new-privs"),
    *(f"--bounding-set{_READS}", f"--inh-caps{_READS}", f"--ambient-caps{_READS}"),
)


@dataclass
class Stage:
    """The lines of one stage, and the stage or image that it goes on from."""

    name: str
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def stages(text: str) -> dict[str, Stage]:
    """Read a Dockerfile; the last stage may have no name."""
    found: dict[str, Stage] = {}
    stage = Stage("", "")
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = Stage(name, base)
            found[name] = stage
        elif found:
            stage.lines.append((word, rest))
    return found


class Image:
    """What `build` made of a target: *root* stands for /, and whoever runs in it may write to /data alone."""

    def __init__(self, root: Path, dockerfile: str) -> None:
        self.root = root
        self.environment: dict[str, str] = {}
        self.command: list[str] = []
        self.health: list[str] = []
        self.user = ""
        self._workdir = "/"
        self._stages = stages(dockerfile)

    def build(self, target: str, wheels: Path) -> None:
        """Follow the lines of *target* and of all that it goes on from; packages come from *wheels*."""
        stage = self._stages[target]
        if stage.base in self._stages:
            self.build(stage.base, wheels)
        for word, rest in stage.lines:
            match word:
                case "RUN":
                    self._run(rest, wheels)
                case "COPY":
                    self._copy(shlex.split(rest), wheels)
                case "ENV":
                    self.environment |= dict(
                        pair.split("=", 1) for pair in shlex.split(self._here(rest))
                    )
                case "WORKDIR":
                    self._workdir = rest
                case "USER":
                    self.user = rest
                case "CMD":
                    self.command = json.loads(rest)
                case "HEALTHCHECK":
                    self.health = json.loads(rest.partition("CMD ")[2] or "[]")
                case _:
                    assert word in {"VOLUME", "EXPOSE"}, f"{word} is not followed here"

    def close(self) -> None:
        """Let nobody write to the code any more, as a read-only root does."""
        for folder in ("app", "venv"):
            for path in (self.root / folder).rglob("*"):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & ~0o222)
            (self.root / folder).chmod(0o555)

    def run(self, command: Sequence[str], settings: Mapping[str, str]) -> dict[str, object]:
        """Return how to start *command* in it, for `subprocess` or `asyncio`: as its user, in its folder."""
        environment = {**self.environment, **settings, "HOME": "/nonexistent"}
        path = environment["PATH"].replace("$PATH", "/usr/bin:/bin")
        program = shutil.which(command[0], path=path)
        assert program, f"there is no {command[0]} in {path}"
        args = [*(_AS_USER if os.geteuid() == 0 else ()), program, *command[1:]]
        where = str(self.root / self._workdir.lstrip("/"))
        return {"args": args, "cwd": where, "env": {**environment, "PATH": path}}

    def _run(self, line: str, wheels: Path) -> None:
        line = self._here(re.sub(r"--mount=\S+ ", "", line))
        if os.geteuid() != 0:
            line = line.replace(_USER, f"{os.geteuid()}:{os.getegid()}")
        # The image's own Python is the one that these tests run on.
        line = f'python() {{ "{_base_python()}" "$@"; }}; {line}'
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_QUIET": "1"}
        subprocess.run(["/bin/sh", "-ec", line], check=True, env={**os.environ, **offline})

    def _copy(self, parts: list[str], wheels: Path) -> None:
        *sources, target = [part for part in parts if not part.startswith("--")]
        [stage] = [
            part.removeprefix("--from=") for part in parts if part.startswith("--from=")
        ] or [""]
        if stage:
            self.build(stage, wheels)  # into the same root: its folders are where they are wanted
            assert sources == [target]
            return
        for source in sources:
            _copy_one(ROOT / source, self.root / target.strip("/"), into=target.endswith("/"))

    def _here(self, text: str) -> str:
        return _AT_THE_TOP.sub(lambda found: f"{self.root}/{found[1]}", text)


def _copy_one(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        left_out = shutil.ignore_patterns("__pycache__", ".*_cache")  # as .dockerignore has it
        shutil.copytree(source, target, ignore=left_out, dirs_exist_ok=True)
        return
    assert into
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _base_python() -> str:
    """Return the Python from which the one of these tests was made."""
    return str(getattr(sys, "_base_executable", sys.executable))


def wheels_of(lock: Path) -> Path:
    """Return a folder with all that *lock* pins, fetched once as `make` does, kept beside our packages."""
    kept = Path(sys.prefix) / f"wheels-{zlib.crc32(lock.read_bytes()):08x}"
    if not kept.exists():
        fetched = Path(mkdtemp(prefix="wheels-", dir=sys.prefix))
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", lock, "--dest", fetched], check=True)
        try:
            fetched.rename(kept)
        except OSError:  # another test process was faster
            shutil.rmtree(fetched)
    return kept
