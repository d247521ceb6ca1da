"""What an operator can do about the templates of tenants' mails: bring them from Assent, and check them."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from approvals_core.adapters.small_files import read_small
from bots.cli.assent_templates import Source, convert, sources
from bots.cli.finding import Say
from bots.cli.telling import plain
from cards.mail import BadTemplate, parse
from cards.mail.inert import inert

_LARGEST = 256 * 1024  # bytes, as of those that are read with a tenant's file
_PLACED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def import_templates(source: Path, destination: Path, say: Say) -> bool:
    """
    Write the templates of *source* into *destination* as ours; tell what to paste, and what was lost.

    False if something is to be mended by hand, or was not written. No file is overwritten.
    """
    try:
        found = list(sources(source))
    except KeyError as missing:
        say(
            f"{plain(str(source))} has no column {plain(str(missing.args[0]))}. Nothing was written."
        )
        return False
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        say(f"{plain(str(source))} cannot be read: {why}. Nothing was written.")
        return False
    if not found:
        say(f"{plain(str(source))} holds no templates. Nothing was written.")
        return False
    tenants = list(dict.fromkeys(each.tenant for each in found))
    done = True
    for tenant in tenants:
        folder = destination / _named(tenant) if len(tenants) > 1 else destination
        done &= _import([each for each in found if each.tenant == tenant], folder, say)
    return done


def _import(found: Sequence[Source], folder: Path, say: Say) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    names = Counter[str]()
    pasted: list[str] = []
    done = True
    for source in found:
        stem = _named(source.key)
        names[stem.casefold()] += 1
        number = names[stem.casefold()]
        file = folder / (f"{stem}.html" if number == 1 else f"{stem}-{number}.html")
        done &= _import_one(source, file, say)
        pasted.append(f"{json.dumps(source.key)} = {json.dumps(f'{folder.name}/{file.name}')}")
    say("")
    tenant = f" (PartitionKey {plain(found[0].tenant)})" if found[0].tenant else ""
    say(f"Put {plain(str(folder))} beside the tenant's file{tenant}, and paste this into it:")
    say("")
    for line in ("[mail.templates]", *pasted):
        say(plain(line))
    say("")
    return done


def _import_one(source: Source, file: Path, say: Say) -> bool:
    converted = convert(source.html)
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(converted.html)
    except OSError as problem:
        say(f"{plain(file.name)}: not written: {problem.strerror}")
        return False
    say(f"{plain(file.name)}: written, from {plain(source.key)}")
    for note in converted.notes:
        say(f"  {plain(note)}")
    for mistake in converted.mistakes:
        say(f"  to be mended by hand: {plain(mistake)}")
    return not converted.mistakes


def _named(key: str) -> str:
    return _NO_FILE_NAME.sub("-", key).strip("-.") or "template"


def check_templates(files: Sequence[Path], say: Say) -> bool:
    """Say what is wrong in each file, and what no mail will have of it; False if anything is wrong."""
    checked = [_check(file, say) for file in files]
    return all(checked)


def _check(file: Path, say: Say) -> bool:
    name = plain(str(file))
    try:
        text = read_small(file, _LARGEST).decode("utf-8-sig")
        parse(text)
    except OSError as problem:
        say(f"{name}: cannot be read: {problem.strerror}")
    except UnicodeDecodeError:
        say(f"{name}: is not UTF-8")
    except BadTemplate as bad:
        for mistake in bad.mistakes:
            say(f"{name}:{mistake.line}: {plain(mistake.why)}")
    else:
        say(f"{name}: no mistakes found")
        for each in inert(_PLACED.sub("https://example.com/", text)).left_out:
            say(f"  is left out of mails: {plain(each)}")
        return True
    return False
