"""Deciding on the page: once, by whom it was shown to, from our own form, and like everywhere else."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from approvals_core.adapters.stores import open_store
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from tests.failing import TENANT, all_due
from tests.fakes import FlakyStore, Gate
from tests.page_visits import Page, Visitor, paged, path_of, visiting
from tests.running import Running

CAPEX = "CX-2026-00073"  # of the request whose approvers may bring one more in
ADD = "Add an approver"


@pytest.fixture
async def service(playground: Playground, tmp_path: Path) -> AsyncIterator[Running]:
    async with paged(playground, tmp_path) as running:
        yield running


@pytest.fixture
async def visitor(service: Running) -> AsyncIterator[Visitor]:
    async with visiting(service, "johndoe1") as one:
        yield one


async def test_a_decision_reaches_the_tenant_once_and_stands_on_every_card(running: Running):
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2")
    async with visiting(running, "johndoe1") as visitor:
        page = await visitor.open(await path_of(running))

        sent = await visitor.press(page, "Approve", comment="Good price.\r\nTake two.")
        after = await visitor.open(sent.location)

    # Without a fragment of its own the address would keep that of the form, “#problem”.
    assert (sent.status, sent.location) == (303, f"{page.url.path}#main")
    assert "Approved by Maria Keller" in after.text
    assert "Approve" not in after.buttons
    [told] = running.told()
    assert told.body["ActionByAlias"] == "johndoe1"
    assert told.body["ActionDetails"]["Comment"] == "Good price.\nTake two."
    await running.says("johndoe1", "Approved by", "Maria Keller")
    await running.says("johndoe2", "Approved by", "Maria Keller")


async def test_the_form_sent_twice_decides_once(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))

    first, second = await asyncio.gather(
        visitor.press(page, "Approve"), visitor.press(page, "Approve")
    )

    assert sorted([first.status, second.status]) in ([303, 409], [303, 303])
    assert len(service.told()) == 1


async def test_a_click_in_teams_and_the_page_at_once_decide_once(
    service: Running, visitor: Visitor
):
    page = await visitor.open(await path_of(service))

    on_page, _on_card = await asyncio.gather(
        visitor.press(page, "Approve"), service.click("johndoe1", "Reject", "Too dear.")
    )

    assert on_page.status in (303, 409)
    assert len(service.told()) == 1


async def test_whoever_comes_too_late_reads_who_was_faster(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))
    await service.click("johndoe2", "Approve")
    await service.says("johndoe1", "Approved by", "Jonas Berg")

    late = await visitor.press(page, "Reject", comment="I would rather not.")

    assert late.status == 409
    assert "Jonas Berg" in late.text
    assert "Reject" not in late.buttons
    assert len(service.told()) == 1


async def test_a_form_of_what_has_changed_since_does_nothing(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))
    arx = await service.send("wiki-update")
    assert arx["Disposition"] == "applied"

    stale = await visitor.press(page, "Approve", comment="As it was.")

    assert stale.status == 409
    assert service.told() == []


async def test_what_is_missing_is_said_at_the_form_and_nothing_typed_is_lost(
    service: Running, visitor: Visitor
):
    page = await visitor.open(await path_of(service))

    back = await visitor.press(page, "Reject", comment="  ")

    assert back.status == 422
    assert service.told() == []
    [field] = [given for tag, given in back.elements if tag == "textarea"]
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "problem"
    assert "#comment" in back.links
    assert (await visitor.press(back, "Reject", comment="Too dear.")).status == 303
    assert len(service.told()) == 1


async def test_what_the_tenant_refuses_comes_back_with_what_was_typed(
    service: Running, visitor: Visitor
):
    page = await visitor.open(await path_of(service))
    refusing = Fault(kind=FaultKind.REFUSED, times=1, text="The budget is closed.")
    service.playground.world.set_fault(TENANT, refusing)

    await visitor.press(page, "Reject", comment="Too dear.")
    back = await visitor.open(page.url.path)

    assert "The budget is closed." in back.text
    assert back.form_with("Reject").fields["comment"] == "Too dear."


async def test_a_slow_tenant_keeps_nobody_waiting(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))
    service.playground.world.set_fault(TENANT, Fault(kind=FaultKind.HELD, times=1))

    arrived = service.playground.tenant.arrived()
    sent = await service.patience.until(arrived, visitor.press(page, "Approve"))
    meanwhile = await visitor.open(sent.location)
    service.playground.tenant.release()
    await service.says("johndoe1", "Approved by", "Maria Keller")
    after = await visitor.open(sent.location)

    assert sent.status == 303
    assert "Sending to Contoso Purchasing…" in meanwhile.text
    reload = {"http-equiv": "refresh", "content": "4"}
    assert ("meta", reload) in meanwhile.elements
    assert ("meta", reload) not in after.elements
    assert "Approved by Maria Keller" in after.text


async def test_while_nobody_knows_whether_it_is_recorded_the_page_says_so(
    playground: Playground, tmp_path: Path
):
    opened: list[FlakyStore] = []

    async def opening(url: str) -> Any:
        opened.append(FlakyStore(await open_store(url)))
        return opened[0]

    async with (
        paged(playground, tmp_path, open_store=opening) as service,
        visiting(service, "johndoe1") as visitor,
    ):
        page = await visitor.open(await path_of(service))
        opened[0].commits_wait_for = gate = Gate()

        pressing = visitor.press(page, "Approve", comment="Good price.")
        sent = await service.patience.until(gate.reached.wait(), pressing)
        gate.set()
        await service.says("johndoe1", "Approved by", "Maria Keller")

        assert sent.status == 202
        assert "Recording your decision…" in sent.text
        assert "Pending" not in sent.text
        assert ("meta", {"http-equiv": "refresh", "content": "4"}) in sent.elements
        assert "Approve" not in sent.buttons
        assert len(service.told()) == 1


class TestWhoMayNot:
    async def _refused(self, service: Running, answer: Page) -> None:
        assert answer.status in (401, 403, 404)
        assert service.told() == []

    async def test_a_form_without_the_sessions_word(self, service: Running, visitor: Visitor):
        page = await visitor.open(await path_of(service))
        fields = dict(page.form_with("Approve").fields) | {"a": "Approve"}
        del fields["csrf"]

        await self._refused(service, await visitor.post(page.url.path, fields))

    @pytest.mark.parametrize("word", ["", "guessed", "\ud800", "é" * 40])
    async def test_a_form_with_another_word(self, service: Running, visitor: Visitor, word: str):
        page = await visitor.open(await path_of(service))
        fields = page.form_with("Approve").fields | {"a": "Approve"}
        sent = {**fields, "csrf": word.encode("utf-8", "surrogatepass").decode("latin-1")}

        await self._refused(service, await visitor.post(page.url.path, sent))

    async def test_a_form_of_somebody_elses_session(self, service: Running, visitor: Visitor):
        path = await path_of(service)
        await visitor.open(path)
        async with visiting(service, "johndoe2") as other:
            theirs = await other.open(path)

            answer = await visitor.press(theirs, "Approve")

        await self._refused(service, answer)

    async def test_a_form_of_the_session_before(self, service: Running, visitor: Visitor):
        path = await path_of(service)
        before = await visitor.open(path)
        await visitor.open(f"/sign-in?again&next={path}")

        await self._refused(service, await visitor.press(before, "Approve"))

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "", "http://127.0.0.1", "http://localhost:1"]
    )
    async def test_a_form_of_another_site(self, service: Running, visitor: Visitor, origin: str):
        page = await visitor.open(await path_of(service))

        await self._refused(service, await visitor.press(page, "Approve", origin=origin))

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
    async def test_a_form_that_the_browser_says_is_not_ours(
        self, service: Running, visitor: Visitor, site: str
    ):
        page = await visitor.open(await path_of(service))
        fields = page.form_with("Approve").fields | {"a": "Approve"}

        answer = await visitor.post(page.url.path, fields, **{"Sec-Fetch-Site": site})

        await self._refused(service, answer)

    async def test_somebody_who_signed_out_meanwhile_keeps_his_words(
        self, service: Running, visitor: Visitor
    ):
        page = await visitor.open(await path_of(service))
        visitor.session.cookie_jar.clear()

        answer = await visitor.press(page, "Approve", comment="Good price.")

        await self._refused(service, answer)
        assert answer.status == 401
        assert "Good price." in answer.html
        assert f"/sign-in?next={page.url.path}" in answer.links

    async def test_words_that_are_too_many_for_nobody_are_not_read(
        self, service: Running, visitor: Visitor
    ):
        page = await visitor.open(await path_of(service))
        visitor.session.cookie_jar.clear()

        answer = await visitor.press(page, "Approve", comment="Good price." * 6000)

        await self._refused(service, answer)
        assert answer.status == 401
        assert "Good price." not in answer.html

    @pytest.mark.parametrize("signed_in", [True, False])
    async def test_another_site_is_refused_before_anything_is_read(
        self, service: Running, visitor: Visitor, *, signed_in: bool
    ):
        path = await path_of(service)
        if signed_in:
            await visitor.open(path)
        # Read first, it would be answered 415.
        headers = {"Origin": "https://evil.example", "Content-Type": "application/json"}

        answers = [
            await visitor.post(path, {"x": "y"}, **headers),
            await visitor.post("/sign-out", {"x": "y"}, **headers),
        ]

        assert [answer.status for answer in answers] == [403, 403]

    async def test_a_colleagues_place(self, service: Running, visitor: Visitor):
        path = await path_of(service)
        async with visiting(service, "johndoe2") as other:
            theirs = (await other.open(path)).form_with("Approve").fields
        page = await visitor.open(path)
        fields = page.form_with("Approve").fields | {"a": "Approve", "k": theirs["k"]}

        await self._refused(service, await visitor.post(path, fields))

    async def test_another_requests_form(self, service: Running, visitor: Visitor):
        path = await path_of(service)
        page = await visitor.open(path)
        fields = page.form_with("Approve").fields | {"a": "Approve", "k": "pr-aaaaaaaaaaaaaaaa.0"}

        await self._refused(service, await visitor.post(path, fields))

    async def test_somebody_who_was_not_asked(self, service: Running, visitor: Visitor):
        path = await path_of(service)
        form = (await visitor.open(path)).form_with("Approve")
        async with visiting(service, "johndoe4") as stranger:
            there = await stranger.open(path)
            csrf = there.form_with("Sign out").fields["csrf"]

            answer = await stranger.post(path, form.fields | {"a": "Approve", "csrf": csrf})

        await self._refused(service, answer)

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            ("{}", "application/json", 415),
            ("x=%ff&x=", "application/x-www-form-urlencoded", 400),
            ("&".join(f"x{n}=" for n in range(201)), "application/x-www-form-urlencoded", 400),
            ("x=" + "y" * 1_048_577, "application/x-www-form-urlencoded", 413),
        ],
        ids=["json", "no utf-8", "fields", "long"],
    )
    async def test_what_no_form_of_ours_sends(
        self, service: Running, visitor: Visitor, body: str, kind: str, status: int
    ):
        path = await path_of(service)
        await visitor.open(path)
        headers = {"Content-Type": kind, "Origin": visitor.service}

        sent = io.BytesIO(body.encode())
        async with visitor.session.post(
            visitor.service + path, data=sent, headers=headers
        ) as answer:
            text = await answer.text()

        assert answer.status == status
        assert text.startswith("<!doctype html>")
        assert service.told() == []


@pytest.fixture
async def adding(service: Running) -> Running:
    """A request of the tenant whose approvers may bring one more in."""
    sent = await service.playground.tenants["capex"].send(service.playground.sample("capex-create"))
    assert sent.status == 200, sent.answer
    service.number = CAPEX
    await service.asked("johndoe1")
    return service


def decided_at_capex(service: Running) -> list[Any]:
    return service.playground.tenants["capex"].actions()


class TestNewApprover:
    async def test_one_is_found_chosen_and_sent(self, adding: Running, visitor: Visitor):
        page = await visitor.open(await path_of(adding))
        typed = {
            "search.AddApprover": "johndoe4@organization.com",
            "placement.AddApprover": "Before",
        }

        found = await visitor.press(
            page, "Find", beside=ADD, **typed, **{"comment.AddApprover": "He knows."}
        )

        assert found.status == 200
        assert "Tom Okafor" in found.text
        form = found.form_with(ADD)
        assert form.fields["comment.AddApprover"] == "He knows."
        assert decided_at_capex(adding) == []
        done = await visitor.press(found, ADD)
        assert done.status == 303
        [told] = decided_at_capex(adding)
        assert told.body["ActionDetails"]["NewApproverAlias"] == "johndoe4"

    async def test_a_name_that_was_only_typed_is_shown_before_anything_is_done(
        self, adding: Running, visitor: Visitor
    ):
        page = await visitor.open(await path_of(adding))
        typed = {"search.AddApprover": "johndoe4", "placement.AddApprover": "Before"}

        found = await visitor.press(page, ADD, **typed)

        assert "Tom Okafor" in found.text
        assert decided_at_capex(adding) == []

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("nobody", "Nobody is called that."),
            ("twin", "Several people have this name."),
            ("johndoe20", "This account is disabled."),
            ("guest1", "Guests cannot approve here."),
            ("", "Please write an alias or a mail address."),
        ],
    )
    async def test_who_is_not_found_is_said_why(
        self, adding: Running, visitor: Visitor, words: str, said: str
    ):
        page = await visitor.open(await path_of(adding))

        found = await visitor.press(page, "Find", beside=ADD, **{"search.AddApprover": words})

        assert said in found.text
        assert "radio" not in {given.get("type") for _tag, given in found.elements}

    async def test_nobody_is_looked_up_for_an_action_that_asks_for_nobody(
        self, adding: Running, visitor: Visitor
    ):
        page = await visitor.open(await path_of(adding))
        maria = str(adding.playground.world.people["johndoe1"].object_id)
        adding.clock.stand()
        await all_due(adding)  # who owns the addresses of its mails is looked up, too
        adding.playground.world.set_fault("graph", Fault(kind=FaultKind.STATUS, times=1))

        back = await visitor.press(page, "Reject", **{"person.Reject": maria})

        assert back.status == 422
        assert "graph" in adding.playground.world.faults  # nobody met it

    async def test_one_who_is_asked_already_is_refused_by_the_rules(
        self, adding: Running, visitor: Visitor
    ):
        page = await visitor.open(await path_of(adding))
        typed = {"search.AddApprover": "johndoe1", "placement.AddApprover": "Before"}
        found = await visitor.press(page, "Find", beside=ADD, **typed)

        refused = await visitor.press(found, ADD)

        assert refused.status == 422
        assert "You are asked already." in refused.text
        assert refused.form_with(ADD, "Find").fields["search.AddApprover"] == ""
        assert decided_at_capex(adding) == []
