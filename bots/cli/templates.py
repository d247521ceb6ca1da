"""What an operator can do about the templates of tenants' mails: bring them from Assent, and check them."""

import json
import re
from collections.abc import Container, Sequence
from itertools import chain, count
from pathlib import Path

from approvals_core.adapters.small_files import read_small
from bots.cli.assent_templates import BadTable, Converted, Source, convert, sources
from bots.cli.finding import Say
from bots.cli.telling import plain
from cards.mail import BadTemplate, left_out, parse

_LARGEST = 256 * 1024  # bytes, as of those that are read with a tenant's file
_LONGEST_KEY = 100  # characters
# What a RowKey may be ("Characters Disallowed in Key Fields", Azure Table Storage).
_KEY = re.compile(rf"[^/\\#?]{{1,{_LONGEST_KEY}}}")
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def import_templates(source: Path, destination: Path, say: Say) -> bool:
    """
    Write the templates of *source* into *destination* as ours; tell what to paste, and what was lost.

    False if something is to be mended by hand, or was not written. No file is overwritten.
    """
    try:
        found = list(sources(source))
    except BadTable as problem:
        say(f"{plain(str(source))} {plain(str(problem))}. Nothing was written.")
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        say(f"{plain(str(folder))} cannot be made: {problem.strerror}. Nothing was written there.")
        return False
    keys, stems = set[str](), set[str]()
    pasted: list[str] = []
    done = True
    for source in found:
        html = convert(source.html, source.first_line)
        if why := _unfit(source, html, keys):
            say(f"{plain(source.key) or 'A template without a name'}: not written: {why}")
            done = False
            continue
        keys.add(source.key.casefold())
        file = folder / f"{_free(_named(source.key), stems)}.html"
        done &= _import_one(source, html, file, say)
        path = plain(f"{folder.resolve().name}/{file.name}")
        pasted.append(f"{_quoted(source.key)} = {_quoted(path)}")
    if pasted:
        _say_what_to_paste(found[0].tenant, folder, pasted, say)
    return done


def _say_what_to_paste(tenant: str, folder: Path, pasted: Sequence[str], say: Say) -> None:
    say("")
    of = f" (PartitionKey {plain(tenant)})" if tenant else ""
    say(f"Put {plain(str(folder))} beside the tenant's file{of}, and paste this into it:")
    say("")
    for line in ("[mail.templates]", *pasted):
        say(line)
    say("")


def _unfit(source: Source, converted: Converted, known: Container[str]) -> str:
    """Return why a template is not written, "" if it can be."""
    if not source.key:
        return "nothing could ask for it; RowKey must be TemplateKey|Action"
    if not _KEY.fullmatch(source.key) or not source.key.isprintable():
        return (
            f"a name has at most {_LONGEST_KEY} characters, none of them / \\ # ? or invisible,"
            " as in Azure's tables; give it another name there and in what the tenant sends"
        )
    if source.key.casefold() in known:
        return "it comes twice, and the first one counts; capitals make no difference"
    if not source.html.strip():
        return "it is empty, so our own mail is sent; write one, or leave it like that"
    if not converted.html.strip():
        return "nothing is left of it, so our own mail is sent; it was a script alone"
    return ""


def _import_one(source: Source, converted: Converted, file: Path, say: Say) -> bool:
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(converted.html)
    except OSError as problem:
        say(f"{plain(file.name)}: not written: {problem.strerror}")
        return False
    say(f"{plain(file.name)}: written, from {plain(source.key)}")
    for note in converted.notes:
        say(f"  {plain(note.at(source.row))}")
    for mistake in converted.mistakes:
        say(f"  to be mended by hand in {plain(file.name)}: {plain(mistake)}")
    return not converted.mistakes


def _named(key: str) -> str:
    return _NO_FILE_NAME.sub("-", key).strip("-.") or "template"


def _free(stem: str, taken: set[str]) -> str:
    """Return the name of a file that no other of this run has, and take it."""
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    free = next(name for name in names if name.casefold() not in taken)
    taken.add(free.casefold())
    return free


def _quoted(text: str) -> str:
    """Write a basic string of TOML; not with JSON's halves of characters, which TOML refuses."""
    return json.dumps(text, ensure_ascii=False)


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
        for each in left_out(text):
            say(f"  is left out of mails: {plain(each)}")
        return True
    return False
