"""NotificationDetail: who gets a mail by it, when again, and what is left out of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.arx import Arx, ArxNotification, parse_arx
from approvals_core.arx.notification import DAYS
from approvals_core.arx.recipients import ADDRESS
from approvals_core.errors import InvalidArx
from approvals_core.models import (
    Approval,
    Disposition,
    Job,
    JobKind,
    Lane,
    Notification,
    Occasion,
    Reminder,
)
from approvals_core.rules import intake
from approvals_core.rules.draft import Draft
from approvals_core.rules.intake import Received
from approvals_core.rules.lines import letter_of, why_dropped
from approvals_core.rules.mail_jobs import is_replaced, leave_mails, with_mails
from approvals_core.rules.notifying import MOST_RECIPIENTS
from approvals_core.rules.reminding import job_needed
from approvals_core.tenant import Tenant
from tests.makers import START, a_stamp, a_tenant, create, delete, done_by, update

SAMPLES = Path(__file__).parent.parent / "playground" / "samples"
WIKI_TO = ("johndoe1@organization.com", "johndoe2@organization.com", "johndoe3@organization.com")
DAILY = Reminder(template="Reminder", every=1)


# -- what a payload says --------------------------------------------------


def parsed(operation: str = "create", **changes: Any) -> Arx:
    """Read the wiki's payload with other fields in its NotificationDetail."""
    sent = json.loads((SAMPLES / f"wiki-{operation}.json").read_bytes())
    detail = sent["NotificationDetail"]
    reminder = changes.pop("reminder", {})
    detail["Reminder"] = detail["Reminder"] | reminder if reminder else None
    body = json.dumps(sent | {"NotificationDetail": detail | changes}).encode()
    return parse_arx(body, tenant_id=a_tenant().document_type_id, now=START)


def notified(**changes: Any) -> ArxNotification:
    found = parsed(**changes).notification
    assert found is not None
    return found


def reminder_of(**changes: Any) -> Reminder:
    found = notified(reminder=changes).reminder
    assert found is not None
    return found


def test_the_wikis_create_names_its_three_approvers_and_reminds_every_five_days() -> None:
    sent = (SAMPLES / "wiki-create.json").read_bytes()

    arx = parse_arx(sent, tenant_id=a_tenant().document_type_id, now=START)

    assert arx.warnings == ()
    assert arx.notification == ArxNotification(
        template="PendingApproval",
        to=WIKI_TO,
        cc=("johndoe4@organization.com",),
        bcc=("johndoe5@organization.com",),
        reminder=Reminder(
            template="TenantName|Reminder",
            every=5,
            expires=datetime(9999, 12, 31, 18, 29, 59, 999999, tzinfo=UTC),
        ),
    )


def test_the_wikis_delete_wants_a_mail_and_no_reminder() -> None:
    sent = (SAMPLES / "wiki-delete.json").read_bytes()

    found = parse_arx(sent, tenant_id=a_tenant().document_type_id, now=START).notification

    assert found is not None
    assert (found.template, found.reminder) == ("ApprovalComplete", None)


@pytest.mark.parametrize("changes", [{"SendNotification": False}, {"SendNotification": None}])
def test_no_mail_is_wanted_without_send_notification(changes: dict[str, Any]) -> None:
    assert parsed(**changes).notification is None


def test_a_null_notification_wants_no_mail() -> None:
    sent = json.loads((SAMPLES / "wiki-create.json").read_bytes()) | {"NotificationDetail": None}
    body = json.dumps(sent).encode()

    arx = parse_arx(body, tenant_id=a_tenant().document_type_id, now=START)

    assert arx.notification is None


@pytest.mark.parametrize(
    ("sent", "to"),
    [
        ("a@x.org;b@x.org,c@x.org", ("a@x.org", "b@x.org", "c@x.org")),
        (" a@x.org ;\t b@x.org ", ("a@x.org", "b@x.org")),
        ("a@x.org;\r\nb@x.org;\r\n", ("a@x.org", "b@x.org")),
        (";,a@x.org,,;", ("a@x.org",)),
        ("Ann.Lee@X.org,ann.lee@x.ORG", ("Ann.Lee@X.org",)),
        ("johndoe1;Johndoe1@organization.com", ("johndoe1", "Johndoe1@organization.com")),
        ("Maria Keller <a@x.org>", ("a@x.org",)),
        ("Ann <a@x.org>,Bo <b@x.org>; <c@x.org>", ("a@x.org", "b@x.org", "c@x.org")),
        ('"Berg, Jonas" <a@x.org>; b@x.org', ("a@x.org", "b@x.org")),
        ('"Berg; \\"Jo\\", nas" <a@x.org>,b@x.org', ("a@x.org", "b@x.org")),
        ('"b@x.org" <a@x.org>', ("a@x.org",)),
        ("Bj\u00f6rn (Sales) <a@x.org>; Jo <johndoe1>", ("a@x.org", "johndoe1")),
        ("johndoe1,<a@x.org>", ("johndoe1", "a@x.org")),
        ("o'neil+tag_1@mail.sub-domain.co.uk", ("o'neil+tag_1@mail.sub-domain.co.uk",)),
    ],
)
def test_recipients_are_split_trimmed_and_taken_once(sent: str, to: tuple[str, ...]) -> None:
    arx = parsed(To=sent, Cc="", Bcc=None)

    assert arx.warnings == ()
    assert arx.notification is not None
    assert (arx.notification.to, arx.notification.cc, arx.notification.bcc) == (to, (), ())


def test_whoever_is_in_to_is_in_no_other_list() -> None:
    found = notified(To="a@x.org", Cc="A@x.org;b@x.org", Bcc="B@x.org;c@x.org;a@x.org")

    assert (found.to, found.cc, found.bcc) == (("a@x.org",), ("b@x.org",), ("c@x.org",))


@pytest.mark.parametrize(
    "bad",
    [
        "a@x.org\r\nBcc: evil@x.org",
        "a@x.org\nSubject: hello",
        "a\x00@x.org",
        "a@x.org\x7f",
        "<a@x.org> <b@x.org>",
        "b@x.org <a@x.org>",
        "Ann <a@x.org> Lee",
        "Ann <a@x.org",
        "Ann <two words>",
        "Ann <jörg@x.org>",
        "Ann\r\nBcc: <a@x.org>",
        "Ann\x00 <a@x.org>",
        "Ann <a@x.org\n>",
        "(" * 400 + " <a@x.org>",
        f"{'Ann ' * 200}<a@x.org>",
        '"Ann <a@x.org>',
        "a b@x.org",
        "a@x .org",
        "a@@x.org",
        "a@x.org@y.org",
        "@x.org",
        "a@",
        "a@localhost",
        "a@-x.org",
        "a@x..org",
        "a@x.org.",
        ".a@x.org",
        "a.@x.org",
        "a..b@x.org",
        '"a"@x.org',
        "a@[127.0.0.1]",
        "a(comment)@x.org",
        "jörg@x.org",
        "a@x.\u043erg",
        "a\u202eb@x.org",
        "ann\u200b",
        "two words",
        "ann:lee",
        "a" * 65 + "@x.org",
        "a" * 65,
        "a@" + ".".join(["x" * 63] * 4),
    ],
)
def test_what_is_no_address_is_left_out_and_the_payload_says_where(bad: str) -> None:
    arx = parsed(To=f"a@x.org;{bad};b@x.org")

    assert arx.notification is not None
    assert arx.notification.to == ("a@x.org", "b@x.org")
    (warning,) = arx.warnings
    assert warning.startswith("NotificationDetail.To, recipient 2:")
    assert bad not in warning  # it comes back to the tenant, and goes to the log


def test_half_of_a_name_is_no_alias_to_which_a_mail_goes() -> None:
    arx = parsed(To="Berg, Jonas <a@x.org>; johndoe2")

    assert arx.notification is not None
    assert arx.notification.to == ("a@x.org", "johndoe2")
    assert [w.split(";")[0] for w in arx.warnings] == [
        "NotificationDetail.To, recipient 1: it looks like half of a name"
    ]


@pytest.mark.parametrize(
    ("reminder", "comes"),
    [
        ({"ReminderDates": ["2020-01-01T00:00:00Z"]}, False),
        ({"ReminderDates": ["0001-01-01T00:00:00"]}, False),
        ({"ReminderDates": ["2020-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]}, True),
        ({"ReminderDates": ["2027-01-01T00:00:00Z"], "Expiration": "2026-12-31T00:00:00Z"}, False),
        ({"ReminderDates": ["2020-01-01T00:00:00Z"], "Frequency": 3}, True),
        ({"Frequency": 5, "Expiration": (START + timedelta(days=4)).isoformat()}, False),
        ({"Frequency": 5, "Expiration": (START + timedelta(days=5)).isoformat()}, True),
        ({"Frequency": "9" * 200}, False),
    ],
)
def test_a_reminder_that_never_comes_is_warned_of(reminder: dict[str, Any], comes: bool) -> None:  # noqa: FBT001 (a column of the table)
    nothing = {"ReminderDates": None, "Frequency": 0, "Expiration": "9999-12-31T00:00:00Z"}

    warned = parsed(reminder=nothing | reminder).warnings

    assert [w for w in warned if "nobody will be reminded" in w] == list(warned)
    assert bool(warned) is not comes


def test_a_list_in_place_of_a_text_is_one_mistake() -> None:
    with pytest.raises(InvalidArx) as refused:
        parsed(To=["johndoe1"])

    (problem,) = refused.value.problems
    assert (problem.pointer, problem.told) == ("/NotificationDetail/To", "To must be text.")


def test_a_reminder_without_any_time_is_told_what_is_missing_beside_the_documents_words() -> None:
    with pytest.raises(InvalidArx) as refused:
        reminder_of(ReminderDates=None, Frequency=None)

    (problem,) = refused.value.problems
    assert problem.message == "ReminderTemplate.Frequency cannot be zero."
    assert problem.told.endswith(" Send ReminderDates or Frequency: neither says when to remind.")


@given(st.text(max_size=40) | st.text(alphabet="a@.<>;, \r\n\t:\"'\\=", max_size=40))
def test_no_recipient_can_hold_a_line_a_space_or_a_second_address(sent: str) -> None:
    try:
        arx = parsed(To=f"ok@x.org;{sent}")
    except InvalidArx:
        return  # too many characters, or half of one

    assert arx.notification is not None
    for recipient in arx.notification.to:
        assert len(recipient) <= ADDRESS
        assert recipient.isascii()
        assert recipient.isprintable()
        assert not set(recipient) & set(' <>()[]:;,\\"')
        assert recipient.count("@") <= 1


def test_dates_of_reminders_come_in_order_and_once_to_the_microsecond_in_utc() -> None:
    dates = [
        "2026-12-24T09:00:00.1234567+01:00",
        "2026-12-01T08:00:00Z ",
        "2026-12-01 08:00",
        "9999-12-31T23:59:59.9999999-12:00",
        "0001-01-01T00:00:00",
    ]

    found = reminder_of(ReminderDates=dates)

    assert found.dates == (
        datetime(2026, 12, 1, 8, tzinfo=UTC),
        datetime(2026, 12, 24, 8, 0, 0, 123456, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("sent", "expires"),
    [
        ("2027-01-01T00:00:00", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T00:00:00+02:00", datetime(2026, 12, 31, 22, tzinfo=UTC)),
        ("9999-12-31T23:59:59.9999999", datetime.max.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-12:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_an_expiration_is_read_with_or_without_zone(sent: str, expires: datetime) -> None:
    assert reminder_of(Expiration=sent).expires == expires


@pytest.mark.parametrize("never", ["", None, "0001-01-01T00:00:00"])
def test_reminders_with_dates_may_have_no_end_of_their_own(never: str | None) -> None:
    found = reminder_of(ReminderDates=["2026-12-01T08:00:00Z"], Frequency="3", Expiration=never)

    assert (found.every, found.expires) == (3, None)


def test_an_odd_frequency_beside_dates_is_warned_of_and_does_not_count() -> None:
    odd = {"ReminderDates": ["2026-12-01T08:00:00Z"], "Frequency": "often", "Expiration": "later"}

    arx = parsed(reminder=odd)

    assert arx.notification is not None
    assert arx.notification.reminder == Reminder(
        template="TenantName|Reminder", dates=(datetime(2026, 12, 1, 8, tzinfo=UTC),)
    )
    assert [w.split(" is no ")[0] for w in arx.warnings] == [
        "Reminder.Frequency",
        "Reminder.Expiration",
    ]


def test_a_frequency_of_any_size_fits_a_calendar() -> None:
    assert reminder_of(Frequency="9" * 200).every == DAYS


# -- what it does to a request --------------------------------------------


class Desk:
    """One document, and payloads applied to it at times of the test's."""

    def __init__(self, **tenant: Any) -> None:
        self.tenant: Tenant = a_tenant(**tenant)
        self.approval: Approval | None = None
        self.received: list[Received] = []

    def receive(self, arx: Arx, *, hours: float = 0.0) -> Received:
        number = len(self.received)
        received = intake.receive(
            self.approval,
            arx,
            tenant=self.tenant,
            payload_id=f"payload-{number}",
            stamp=a_stamp(number, at=START + timedelta(hours=hours)),
        )
        self.approval = received.change.approval
        self.received.append(received)
        return received

    @property
    def notifications(self) -> tuple[Notification, ...]:
        assert self.approval is not None
        return self.approval.notifications


def jobs(received: Received, kind: JobKind) -> list[Job]:
    return [job for job in received.change.jobs if job.kind is kind]


def mailed(received: Received) -> list[str]:
    return [job.address for job in jobs(received, JobKind.MAIL)]


def wants(*to: str, **fields: Any) -> ArxNotification:
    return ArxNotification(template="PendingApproval", to=to, **fields)


def test_a_create_is_told_to_everybody_it_names_by_one_job_each() -> None:
    desk = Desk()

    received = desk.receive(
        create("johndoe1", notification=wants("a@x.org", cc=("b@x.org",), bcc=("c@x.org",)))
    )

    assert desk.approval is not None
    assert desk.notifications == (
        Notification(
            id="payload-0",
            occasion=Occasion.ASKED,
            template="PendingApproval",
            to=("a@x.org",),
            cc=("b@x.org",),
            bcc=("c@x.org",),
            round=1,
            mark=desk.approval.places[0].mark,
            seats=(0,),
            at=START,
        ),
    )
    assert mailed(received) == ["a@x.org", "b@x.org", "c@x.org"]
    first = jobs(received, JobKind.MAIL)[0]
    assert first.key == f"mail/{desk.approval.id}/{letter_of(desk.approval, first)}"
    assert (first.lane, first.due, first.notification, first.number, first.round) == (
        *(Lane.MAIL, START, "payload-0", 0, 1),
    )
    assert not jobs(received, JobKind.REMIND)


def test_an_alias_gets_the_tenants_first_mail_domain_and_counts_once() -> None:
    people = a_tenant().people.model_copy(update={"mail_domains": ("one.org", "two.org")})
    desk = Desk(people=people)

    received = desk.receive(
        create("johndoe1", notification=wants("ann", "Ann@ONE.org", cc=("ann@two.org", "ANN")))
    )

    assert mailed(received) == ["ann@one.org", "ann@two.org"]
    assert desk.notifications[0].cc == ("ann@two.org",)
    assert received.payload.warnings == ()


def test_an_alias_without_any_mail_domain_is_left_out_and_the_payload_says_so() -> None:
    desk = Desk(people=a_tenant().people.model_copy(update={"mail_domains": ()}))

    received = desk.receive(
        create("johndoe1", notification=wants("ann", "a@x.org", cc=("bob",)), warnings=("odd",))
    )

    assert mailed(received) == ["a@x.org"]
    odd, left_out = received.payload.warnings
    assert odd == "odd"
    assert "2 recipients have no mail domain" in left_out


def test_without_mail_in_its_channels_a_tenant_sends_none() -> None:
    desk = Desk(channels=("teams",))

    received = desk.receive(create("johndoe1", notification=wants("a@x.org")))

    assert (desk.notifications, mailed(received)) == ((), [])


def test_in_teams_alone_people_are_reminded_all_the_same() -> None:
    desk = Desk(channels=("teams",))

    received = desk.receive(create("johndoe1", notification=wants("a@x.org", reminder=DAILY)))

    assert mailed(received) == []
    assert [job.due for job in jobs(received, JobKind.REMIND)] == [START + timedelta(days=1)]


def test_a_reminder_leaves_one_job_for_its_round() -> None:
    desk = Desk()

    received = desk.receive(create("johndoe1", notification=wants("a@x.org", reminder=DAILY)))

    (job,) = jobs(received, JobKind.REMIND)
    assert desk.approval is not None
    assert job.key == f"remind/{desk.approval.id}/1"
    assert (job.lane, job.due) == (Lane.REMINDER, START + timedelta(days=1))


def test_a_reminder_in_the_year_9999_leaves_a_job_that_every_store_can_count() -> None:
    desk = Desk()
    last = Reminder(template="Reminder", dates=(datetime.max.replace(tzinfo=UTC),))

    received = desk.receive(create("johndoe1", notification=wants("a@x.org", reminder=last)))

    (job,) = jobs(received, JobKind.REMIND)
    assert job.due == START + timedelta(days=365)


def test_a_payload_without_a_notification_leaves_no_mail_and_no_reminder() -> None:
    desk = Desk()

    received = desk.receive(create("johndoe1"))

    assert (desk.notifications, mailed(received), jobs(received, JobKind.REMIND)) == ((), [], [])


def test_a_superseded_payload_sends_no_mail() -> None:
    desk = Desk()
    desk.receive(create("johndoe1", at=5, notification=wants("a@x.org")))

    late = desk.receive(create("johndoe1", at=1, notification=wants("b@x.org")))

    assert late.payload.disposition is Disposition.SUPERSEDED
    assert mailed(late) == []
    assert [each.id for each in desk.notifications] == ["payload-0"]


def test_a_partial_payload_sends_its_mails() -> None:
    desk = Desk()
    desk.receive(create("johndoe1", at=5))

    late = desk.receive(update("johndoe1", "johndoe2", at=1, notification=wants("b@x.org")))

    assert late.payload.disposition is Disposition.PARTIAL
    assert mailed(late) == ["b@x.org"]


def test_a_completion_mail_goes_out_though_the_request_closed_by_it() -> None:
    desk = Desk()
    desk.receive(create("johndoe1", notification=wants("a@x.org", reminder=DAILY)))

    ended = desk.receive(
        delete("johndoe1", action=done_by("johndoe1"), notification=wants("b@x.org"))
    )

    assert desk.approval is not None
    assert not desk.approval.open
    assert mailed(ended) == ["b@x.org"]
    assert job_needed(desk.approval, now=START) is None
    newest = desk.notifications[-1]
    assert (newest.occasion, newest.action, newest.round) == (Occasion.ENDED, "Approve", 1)


def test_a_delete_of_what_nobody_was_asked_about_sends_nothing() -> None:
    desk = Desk()

    received = desk.receive(delete("johndoe1", notification=wants("a@x.org")))

    assert (desk.notifications, mailed(received)) == ((), [])


def test_what_leaves_nobody_asked_asks_nobody_by_mail() -> None:
    desk = Desk()
    desk.receive(create("johndoe1", at=1))
    desk.receive(delete("johndoe1", at=5))

    late = desk.receive(update("johndoe1", at=3, notification=wants("a@x.org")))

    assert late.payload.disposition is Disposition.PARTIAL  # its summary is the newest
    assert mailed(late) == []


def test_a_new_round_has_reminders_of_its_own() -> None:
    desk = Desk()
    desk.receive(create("johndoe1", notification=wants("a@x.org", reminder=DAILY)))
    desk.receive(delete("johndoe1", at=60))

    again = desk.receive(
        create("johndoe1", at=120, notification=wants("a@x.org", reminder=DAILY)), hours=2
    )

    (job,) = jobs(again, JobKind.REMIND)
    assert (job.key.rsplit("/", 1)[1], job.round) == ("2", 2)


def test_of_notifications_that_newer_ones_replace_eight_are_kept() -> None:
    desk = Desk()
    for number in range(12):
        asks = wants("a@x.org", reminder=DAILY)
        desk.receive(update("johndoe1", at=number, notification=asks))

    kept = [each.id for each in desk.notifications]
    assert kept == [f"payload-{number}" for number in range(3, 12)]  # the last has mails


def test_a_notification_is_kept_while_its_mail_may_wait_and_somebody_is_reminded_by_it() -> None:
    desk = Desk()
    desk.receive(create("johndoe1", notification=wants("a@x.org", reminder=DAILY)))

    for number in range(1, 71):
        asks = wants(f"cc{number}@x.org")
        desk.receive(update("johndoe2", at=number, notification=asks))

    kept = [each.id for each in desk.notifications]
    assert kept == [
        "payload-0",  # reminds the first approver
        *(f"payload-{number}" for number in range(1, 7)),  # few beside those with mails
        *(f"payload-{number}" for number in range(7, 71)),
    ]
    desk.receive(update("johndoe2", at=90, notification=wants("cc91@x.org")))
    desk.receive(update("johndoe2", at=91, notification=wants("cc92@x.org")))
    desk.receive(update("johndoe2", at=92, notification=wants("cc93@x.org")))
    assert [n.id for n in desk.notifications][:3] == ["payload-0", "payload-2", "payload-3"]


def test_a_late_payload_takes_no_newer_mails_place_and_sends_no_second_one() -> None:
    desk = Desk()
    desk.receive(update("johndoe1", at=5, notification=wants("a@x.org", reminder=DAILY)))

    late = create("johndoe1", "johndoe2", at=0, notification=wants("a@x.org", "b@x.org"))
    received = desk.receive(late)

    assert [each.id for each in desk.notifications] == ["payload-1", "payload-0"]
    assert desk.approval is not None
    why = {job.address: why_dropped(desk.approval, job) for job in jobs(received, JobKind.MAIL)}
    assert why == {"a@x.org": "a newer mail goes to the same address", "b@x.org": ""}


def test_a_payload_without_a_time_counts_as_the_newest() -> None:
    desk = Desk()
    desk.receive(update("johndoe1", at=5, notification=wants("a@x.org")))

    undated = update("johndoe1", at=0, notification=wants("a@x.org"))
    desk.receive(undated.model_copy(update={"ticks": None}))

    assert [each.id for each in desk.notifications] == ["payload-0", "payload-1"]


# -- very many recipients -------------------------------------------------


def test_of_very_many_recipients_the_first_get_a_mail_and_the_payload_says_so() -> None:
    desk = Desk()
    to = tuple(f"to{number}@x.org" for number in range(MOST_RECIPIENTS - 1))

    received = desk.receive(
        create("johndoe1", notification=wants(*to, cc=("TO1@x.org", "b@x.org"), bcc=("c@x.org",)))
    )

    assert mailed(received) == [*to, "b@x.org"]
    assert desk.notifications[0].bcc == ()
    (warning,) = received.payload.warnings
    assert "only the first 500 recipients get a mail; the 1 after them are left out" in warning


class Counted(str):
    """An address that counts how often anything looks at it whatever its case."""

    __slots__ = ()
    times: ClassVar[list[int]] = [0]

    def casefold(self) -> str:
        self.times[0] += 1
        return super().casefold()


def crowd(name: str) -> tuple[str, ...]:
    return tuple(Counted(f"{name}{number}@x.org") for number in range(50))


def of(number: int, **fields: Any) -> Notification:
    usual: dict[str, Any] = {"occasion": Occasion.ASKED, "template": "t", "round": 1, "at": START}
    # Not validated: that would make plain texts of the addresses.
    return Notification(id=f"n{number}", **usual).model_copy(update=fields)


def with_notifications(*notifications: Notification) -> Approval:
    desk = Desk()
    desk.receive(create("johndoe1"))
    assert desk.approval is not None
    return desk.approval.model_copy(update={"notifications": notifications})


def test_whatever_was_told_before_each_address_is_looked_at_once_by_a_payload() -> None:
    desk = Desk()
    before = [of(number, to=crowd("to"), cc=crowd("cc")) for number in range(20)]
    desk.approval = with_notifications(*before)
    Counted.times[0] = 0

    desk.receive(update("johndoe1", notification=wants("a@x.org")))

    assert Counted.times[0] == 20 * 100


def test_mails_to_many_are_left_without_looking_at_all_of_them_for_each() -> None:
    draft = Draft(with_notifications(), a_stamp())
    Counted.times[0] = 0

    leave_mails(draft, of(0, to=(everybody := crowd("to"))), everybody)

    assert Counted.times[0] == 2 * 50


NAMES = st.lists(st.sampled_from(["a@x.org", "A@x.org", "b@x.org", "c@x.org"]), max_size=3)


@st.composite
def told_before(draw: st.DrawFn) -> list[Notification]:
    found: list[Notification] = []
    for number in range(draw(st.integers(1, 6))):
        to = draw(NAMES)
        copies = [each for each in draw(NAMES) if each.lower() not in {t.lower() for t in to}]
        occasion = draw(st.sampled_from([Occasion.ASKED, Occasion.ASKED, Occasion.ENDED]))
        fields = {"to": tuple(to), "bcc": tuple(copies), "round": draw(st.integers(1, 2))}
        found.append(of(number, occasion=occasion, **fields))
    return found


def takes_the_place(newer: Notification, older: Notification, address: str) -> bool:
    """Tell by the words of the rule: whoever is asked again, or told again and was only told."""
    asked, told = ([each.lower() for each in those] for those in (newer.to, newer.bcc))
    if newer.occasion is not Occasion.ASKED or newer.round != older.round:
        return False
    was_asked = address.lower() in [each.lower() for each in older.to]
    return address.lower() in asked or (address.lower() in told and not was_asked)


@given(told_before())
def test_a_mail_is_replaced_by_a_newer_one_that_asks_as_much(before: list[Notification]) -> None:
    approval = with_notifications(*before)
    standing: set[str] = set()

    for number, each in enumerate(before):
        for address in (*each.to, *each.bcc):
            newer = (takes_the_place(other, each, address) for other in before[number + 1 :])
            replaced = each.occasion is Occasion.ASKED and any(newer)
            assert is_replaced(approval, each, address) is replaced
            standing |= set() if replaced or each.round != 1 else {each.id}

    assert [each.id for each in with_mails(approval)] == sorted(standing)
