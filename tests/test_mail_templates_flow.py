"""Tenants' templates through the whole service: taken up by a reload, and seen in the mail that goes out."""

from pathlib import Path

import pytest

from tests.html_reading import read_html
from tests.running import Running
from tests.test_mails_flow import mails_to, wanting
from tests.test_reload import file, reloaded

__all__ = ["file"]

pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)

ADDRESS = "johndoe1@organization.com"
OURS = '\n[mail.templates]\nPendingApproval = "own.html"\n'


async def test_a_reload_takes_up_a_template_and_the_next_mail_is_made_by_it(
    running: Running, file: Path
) -> None:
    template = file.parent / "own.html"
    template.write_text("<title>Ours: {{ Title }}</title><p>Hello {{ Approver.Name }}</p>", "utf-8")
    with file.open("a", encoding="utf-8") as written:
        written.write(OURS)
    assert await reloaded(running) == ()

    template.write_text("<p>written later, and not reloaded</p>", encoding="utf-8")
    await running.send("wiki-create", NotificationDetail=wanting(ADDRESS))

    mail = (await mails_to(running, ADDRESS))[ADDRESS]
    assert mail.subject.startswith("Ours: ")
    assert "Hello Maria Keller" in read_html(mail.html).one("body").text
    assert mail.card


async def test_a_broken_template_refuses_the_reload_and_the_old_one_goes_on(
    running: Running, file: Path
) -> None:
    (file.parent / "own.html").write_text("<p>\n{{ Titel }}</p>", encoding="utf-8")
    with file.open("a", encoding="utf-8") as written:
        written.write(OURS)

    [mistake] = await reloaded(running)

    assert "own.html, line 2: Titel is not known; did you mean Title?" in mistake
    await running.send("wiki-create", NotificationDetail=wanting(ADDRESS))
    assert (await mails_to(running, ADDRESS))[ADDRESS].subject.startswith("Approval needed: ")
