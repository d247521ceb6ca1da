"""What a payload may look like, what is refused and in which words, and what is merely odd."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.arx import Arx, fold, parse_arx
from approvals_core.arx.times import read_ticks, ticks_of, time_of
from approvals_core.errors import InvalidArx
from approvals_core.models import ApprovalKey, Named, Operation

SAMPLES = Path(__file__).parent.parent / "playground" / "samples"
TENANT = "93f9b688-ddc3-43aa-b617-c05a415d1612"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ARX = "ApprovalRequestExpression"


def a_sample(operation="create"):
    return (SAMPLES / f"wiki-{operation}.json").read_bytes()


def a_payload(operation="create", **changes):
    """The wiki's payload with other top fields; a value of ... takes the field out."""
    sent = json.loads(a_sample(operation)) | changes
    return {name: value for name, value in sent.items() if value is not ...}


def parse(payload, *, now=NOW) -> Arx:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return parse_arx(body, tenant_id=TENANT, now=now)


def refused(payload):
    with pytest.raises(InvalidArx) as caught:
        parse(payload)
    return caught.value.problems


def said(payload):
    """What Assent's clients read: the members and the sentence of each problem."""
    return [(problem.members, problem.message) for problem in refused(payload)]


def with_summary(operation="create", **changes):
    summary = a_payload(operation)["SummaryData"] | changes
    summary = {name: value for name, value in summary.items() if value is not ...}
    return a_payload(operation, SummaryData=summary)


def with_action(operation="update", **changes):
    action = a_payload(operation)["ActionDetail"] | changes
    action = {name: value for name, value in action.items() if value is not ...}
    return a_payload(operation, ActionDetail=action)


def with_approver(alias):
    return a_payload(Approvers=[{"Alias": alias, "Name": ""}])


def with_notification(**changes):
    detail = a_payload()["NotificationDetail"] | changes
    return a_payload(NotificationDetail={n: v for n, v in detail.items() if v is not ...})


def with_reminder(operation="create", **changes):
    detail = a_payload(operation)["NotificationDetail"]
    reminder = detail["Reminder"] | changes
    reminder = {name: value for name, value in reminder.items() if value is not ...}
    return a_payload(operation, NotificationDetail=detail | {"Reminder": reminder})


class TestSamples:
    """The documents' own payloads, byte for byte."""

    def test_create_is_read(self):
        arx = parse(a_sample("create"))

        assert arx.key == ApprovalKey(TENANT, "REQ-34562-126", "2020")
        assert arx.operation is Operation.CREATE
        assert arx.display_number == "REQ-34562-126"
        assert [a.alias for a in arx.approvers] == ["johndoe1", "johndoe2", "johndoe3"]
        assert arx.delete_for == ()
        assert arx.action is None
        assert arx.refresh_details is True
        assert arx.xcv == "REQ-34562-126"
        assert arx.tcv == "26dd7787-a918-457d-b73a-76eedb71a124"
        assert arx.warnings == ()
        assert arx.raw.encode() == a_sample("create")

    def test_update_is_read(self):
        arx = parse(a_sample("update"))

        assert arx.operation is Operation.UPDATE
        assert [a.alias for a in arx.approvers] == ["johndoe2", "johndoe3"]
        assert arx.delete_for == ("johndoe1",)
        assert arx.action is not None
        assert (arx.action.name, arx.action.by) == ("Approve", Named(alias="johndoe1"))
        assert arx.action.at == datetime(2022, 4, 13, 7, 27, 44, 894549, tzinfo=UTC)
        assert arx.action.comment == "Within Budget"
        assert arx.action.new_approver == Named(alias="johndoe2")
        assert arx.action.placement == "After"
        assert (arx.action.failure, arx.action.delegate) == ("", "")

    def test_delete_is_read(self):
        arx = parse(a_sample("delete"))

        assert arx.operation is Operation.DELETE
        assert arx.approvers == ()
        assert arx.delete_for == ("johndoe1",)

    def test_all_three_have_one_time_to_the_100_ns(self):
        ticks = {parse(a_sample(o)).ticks for o in ("create", "update", "delete")}

        assert ticks == {636_420_216_526_735_979}

    def test_summary_becomes_content(self):
        content = parse(a_sample()).content

        assert content is not None
        assert content.title == "Title of the request"
        assert (content.unit_value, content.unit_of_measure) == ("19515", "USD")
        assert content.submitted == "2018-04-13T00:00:00"
        assert content.detail_page_url == "https://tenant.com/"
        assert content.company_code == "1010"
        assert content.submitter == Named(alias="johndoe11", name="johndoe11")
        assert content.custom_attribute == ("SupplierName", "ABC PVT LTD")
        assert [level.kind for level in content.hierarchy] == ["Interim", "Safe"]
        assert content.hierarchy[0].approvers[1] == Named(alias="johndoe2")
        assert content.additional == {"MS_IT_Comments": "Please review"}
        assert [a.name for a in content.attachments] == ["Image1.png", "Image2.png"]
        assert content.attachments[0].id == "2792560"
        assert content.attachments[1].url == "https://urltothedocument.com"
        assert content.notes == "Justifications for the request"
        assert content.actions == ("Approve", "Reject", "NeedMoreInformation")

    def test_details_stay_the_text_that_was_sent(self):
        sent = json.loads(a_sample())["DetailsData"]

        assert parse(a_sample()).details == sent


class TestAssentsRules:
    """Every rule of Assent's validators, with its members and its own words."""

    def test_null(self):
        assert said(b"null") == [((ARX,), f"{ARX} should have a value but is null.")]

    @pytest.mark.parametrize("sent", [..., None, "", "00000000-0000-0000-0000-000000000000"])
    def test_document_type_id_is_needed(self, sent):
        problems = said(a_payload(DocumentTypeId=sent))

        member = f"{ARX}.DocumentTypeId"
        assert ((member,), f"{member} cannot be empty") in problems

    def test_identifier_is_needed(self):
        problems = said(a_payload(ApprovalIdentifier=None))

        assert problems == [(("ApprovalIdentifier",), "ApprovalIdentifier cannot be null.")]

    @pytest.mark.parametrize("name", ["DisplayDocumentNumber", "DocumentNumber"])
    @pytest.mark.parametrize("sent", [..., None, "", "  "])
    def test_both_numbers_are_needed(self, name, sent):
        identifier = a_payload()["ApprovalIdentifier"] | {name: sent}
        identifier = {key: value for key, value in identifier.items() if value is not ...}

        problems = said(a_payload(ApprovalIdentifier=identifier))

        assert problems == [((name,), f"ApprovalIdentifier.{name} cannot be null or empty.")]

    @pytest.mark.parametrize("operation", ["update", "delete"])
    @pytest.mark.parametrize("sent", [..., None, [], [""], [None]])
    def test_update_and_delete_need_delete_for(self, operation, sent):
        member = f"{ARX}.DeleteFor"

        problems = said(a_payload(operation, DeleteFor=sent))

        assert problems == [((member,), f"{member} cannnot be null")]

    @pytest.mark.parametrize("operation", ["update", "delete"])
    def test_update_and_delete_need_action_detail(self, operation):
        problems = said(a_payload(operation, ActionDetail=None))

        assert problems == [((f"{ARX}.ActionDetail",), "ActionDetail cannot be null.")]

    @pytest.mark.parametrize("operation", ["create", "update"])
    def test_create_and_update_need_approvers(self, operation):
        problems = said(a_payload(operation, Approvers=None))

        assert problems == [((f"{ARX}.Approvers",), f"{ARX}.Approver cannot be null.")]

    @pytest.mark.parametrize("operation", ["create", "update"])
    def test_create_and_update_need_a_summary(self, operation):
        problems = said(a_payload(operation, SummaryData=None))

        assert problems == [((f"{ARX}.SummaryData",), "SummaryJson cannot be null or empty.")]

    def test_a_delete_needs_neither_approvers_nor_summary(self):
        arx = parse(a_payload("delete", Approvers=..., SummaryData=None))

        assert (arx.approvers, arx.content) == ((), None)

    def test_an_empty_list_of_approvers_is_wrong_twice_in_a_create(self):
        member = f"{ARX}.Approvers"
        empty = f"{member} list cannot be null and the collection cannot be empty."

        assert said(a_payload(Approvers=[])) == [
            ((member,), f"{ARX}.Approver cannot be null."),
            ((member,), empty),
        ]
        assert said(a_payload("delete", Approvers=[])) == [((member,), empty)]

    @pytest.mark.parametrize("character", "^/\\#?")
    def test_reserved_characters_in_an_alias(self, character):
        problems = said(with_approver(f"john{character}doe"))

        member = f"{ARX}.Approvers.Alias"
        assert problems == [((member,), "NameAliasEntity.Alias has invalid characters.")]

    @pytest.mark.parametrize("sent", [..., None, "", " "])
    def test_an_action_needs_its_name(self, sent):
        problems = said(with_action(Name=sent))

        assert problems == [(("Name",), "ActionDetail.Name cannot be null or empty.")]

    def test_an_action_needs_action_by(self):
        problems = said(with_action(ActionBy=None))

        assert problems == [(("ActionBy",), "ActionDetail.ActionBy cannot be null.")]

    @pytest.mark.parametrize("name", ["TemplateKey", "To"])
    def test_a_notification_needs_template_and_recipient_even_if_not_sent(self, name):
        payload = with_notification(**{name: "", "SendNotification": False})

        message = f"NotificationDetail.{name} cannot be null or empty."
        assert said(payload) == [((name,), message)]

    def test_a_reminder_needs_its_template(self):
        problems = said(with_reminder(ReminderTemplate=None))

        assert problems == [(("ReminderTemplate",), "ReminderTemplate cannot be null or empty.")]

    @pytest.mark.parametrize("sent", [..., 0, -1, "0"])
    def test_a_reminder_without_dates_needs_a_frequency(self, sent):
        problems = said(with_reminder(Frequency=sent))

        member = f"{ARX}.NotificationDetail.ReminderDetail.Frequency"
        assert problems == [((member,), "ReminderTemplate.Frequency cannot be zero.")]

    @pytest.mark.parametrize("sent", [..., "2026-11-21T08:59:59Z", "soon"])
    def test_a_reminder_without_dates_needs_an_expiration_to_come(self, sent):
        problems = said(with_reminder(Expiration=sent))

        member = f"{ARX}.NotificationDetail.ReminderDetail.Expiration"
        message = "ReminderTemplate.Expiration should be a future date and time."
        assert problems == [((member,), message)]

    def test_a_reminder_with_dates_needs_neither(self):
        dates = ["2026-12-01T08:00:00Z"]

        assert parse(with_reminder(ReminderDates=dates, Frequency=0, Expiration=...)).warnings == ()

    def test_a_delete_may_have_any_reminder(self):
        assert parse(with_reminder("delete", Frequency=0, ReminderTemplate="")).warnings == ()

    def test_summary_must_be_of_the_same_tenant(self):
        other = "00000000-1111-2222-3333-444444444444"

        problems = said(with_summary(DocumentTypeId=other))

        members = (f"{ARX}.SummaryJson.DocumentTypeId", f"{ARX}.DocumentTypeId")
        message = f"{ARX}.DocumentTypeId and SummaryJSON.DocumentTypeId should match."
        assert problems == [(members, message)]

    def test_summary_in_another_case_is_the_same_tenant(self):
        assert parse(with_summary(DocumentTypeId=TENANT.upper())).key.tenant == TENANT

    def test_summary_needs_a_document_type_id(self):
        problems = said(with_summary(DocumentTypeId=...))

        assert problems == [(("DocumentTypeId",), "DocumentTypeId cannot be null or empty.")]

    @pytest.mark.parametrize("name", ["UnitValue", "UnitOfMeasure"])
    @pytest.mark.parametrize("sent", [..., None, ""])
    def test_summary_needs_value_and_unit(self, name, sent):
        problems = said(with_summary(**{name: sent}))

        assert problems == [((name,), f"SummaryJson.{name} cannot be null or empty.")]

    def test_summary_needs_an_identifier(self):
        problems = said(with_summary(ApprovalIdentifier=None))

        message = "SummaryJson.ApprovalIdentifier cannot be null."
        assert problems == [(("ApprovalIdentifier",), message)]

    def test_summarys_identifier_has_the_same_rules(self):
        problems = said(with_summary(ApprovalIdentifier={"DisplayDocumentNumber": "REQ-1"}))

        message = "ApprovalIdentifier.DocumentNumber cannot be null or empty."
        assert problems == [(("DocumentNumber",), message)]

    def test_a_hierarchy_is_not_empty(self):
        problems = said(with_summary(ApprovalHierarchy=[]))

        member = f"{ARX}.SummaryJson.ApprovalHierarchy"
        assert problems == [((member,), "ApprovalHierarchy collection cannot be empty")]

    def test_a_level_is_not_empty(self):
        problems = said(with_summary(ApprovalHierarchy=[{"Approvers": []}, {}]))

        member = f"{ARX}.SummaryJson.ApprovalHierarchy.Approvers"
        assert problems == [
            ((member,), "ApproverHeirarchy.Approvers collection cannot be empty."),
            (("Approvers",), "ApproverHeirarchy cannot be null."),
        ]


class TestOurRules:
    """What Assent lets in and loses, or lets in and should not."""

    def test_another_tenants_document_type_id(self):
        other = "00000000-1111-2222-3333-444444444444"

        [problem] = refused(a_payload("delete", DocumentTypeId=other, SummaryData=None))

        assert problem.pointer == "/DocumentTypeId"
        assert problem.message == "DocumentTypeId and the TenantId of the address should match."

    def test_no_guid_at_all(self):
        [problem] = refused(a_payload("delete", DocumentTypeId="purchasing", SummaryData=None))

        assert problem.message == "DocumentTypeId must be a GUID."

    @pytest.mark.parametrize(
        ("sent", "named"),
        [
            (0, "Operation 0"),
            (7, "Operation 7"),
            (-1, "Operation -1"),
            (1.5, "Operation 1.5"),
            (True, "Operation true"),
        ],
    )
    def test_only_create_update_and_delete(self, sent, named):
        [problem] = refused(a_payload(Operation=sent))

        assert problem.pointer == "/Operation"
        assert problem.message == (
            f"{named} is not supported. Send 1 (create), 2 (update) or 3 (delete)."
        )

    @pytest.mark.parametrize("sent", [None, ..., "", " "])
    def test_a_missing_operation_is_called_missing(self, sent):
        [problem] = refused(a_payload(Operation=sent))

        assert problem.message == "Operation is missing. Send 1 (create), 2 (update) or 3 (delete)."

    @pytest.mark.parametrize("sent", [4, "4", "TargetedAction", "targetedaction"])
    def test_an_operation_that_nobody_defined_says_so_and_what_to_send_instead(self, sent):
        [problem] = refused(a_payload(Operation=sent))

        assert problem.message == (
            "Operation 4 (TargetedAction) is not supported: the documents name it, and define it"
            " nowhere. Send 2 (update): Approvers for who is asked, DeleteFor for who no longer is."
        )

    @pytest.mark.parametrize(
        ("sent", "named", "instead"),
        [(5, "5 (Complete)", "Send 3 (delete)"), ("skip", "6 (Skip)", "Send 2 (update)")],
    )
    def test_the_other_operations_of_assent_have_one_of_ours(self, sent, named, instead):
        [problem] = refused(a_payload(Operation=sent))

        assert problem.message.startswith(f"Operation {named} is not supported")
        assert instead in problem.message

    def test_a_day_ahead_is_taken_and_more_is_not(self):
        ahead = NOW + timedelta(days=1)

        taken = parse(a_payload(OperationDateTime=ahead.isoformat()))
        [problem] = refused(a_payload(OperationDateTime=(ahead + timedelta(seconds=1)).isoformat()))

        assert taken.ticks == ticks_of(ahead)
        assert problem.message == "OperationDateTime is more than a day ahead of our clock."

    def test_a_date_that_is_none(self):
        [problem] = refused(a_payload(OperationDateTime="yesterday"))

        assert (problem.pointer, problem.message) == (
            "/OperationDateTime",
            "OperationDateTime is no date.",
        )

    @pytest.mark.parametrize("sent", [..., None, "", "  "])
    def test_an_approver_needs_an_alias(self, sent):
        approver = {} if sent is ... else {"Alias": sent}

        [problem] = refused(a_payload(Approvers=[approver]))

        assert problem.pointer == "/Approvers/0/Alias"
        assert problem.message == "NameAliasEntity.Alias cannot be null or empty."

    def test_an_update_needs_to_know_who_acted(self):
        [problem] = refused(with_action(ActionBy={"Alias": "", "Name": "System"}))

        assert problem.pointer == "/ActionDetail/ActionBy/Alias"

    def test_a_delete_may_come_from_nobody(self):
        arx = parse(with_action("delete", ActionBy={"Alias": "", "Name": "System"}))

        assert arx.action is not None
        assert arx.action.by == Named(name="System")

    @pytest.mark.parametrize(
        "alias",
        [
            "john\u200bdoe",  # zero-width space
            "john\u202edoe",  # right-to-left override
            "john\u00addoe",  # soft hyphen
            "john\u2060doe",
            "john\ufeffdoe",
            "john\u3164doe",  # Hangul filler: a letter that shows as nothing
            "john\U000e0041doe",  # a tag
            "john\ufe0fdoe",
            "john\u00a0doe",
            "john\ndoe",
            "john\x00doe",
            "john\u2028doe",
            "john😀",
        ],
    )
    @pytest.mark.parametrize("where", ["Approvers", "DeleteFor", "ActionBy"])
    def test_invisible_characters_in_an_alias(self, alias, where):
        payload = {
            "Approvers": a_payload("update", Approvers=[{"Alias": alias}]),
            "DeleteFor": a_payload("update", DeleteFor=[alias]),
            "ActionBy": with_action(ActionBy={"Alias": alias}),
        }[where]

        [problem] = refused(payload)

        assert where in problem.pointer
        assert "cannot be seen" in problem.message

    @pytest.mark.parametrize(
        "alias",
        [
            "jоhndoe1",  # noqa: RUF001 - a Cyrillic o
            "johndοe1",  # noqa: RUF001 - a Greek omicron
            "johndoe1@cοntoso.com",  # noqa: RUF001 - a Greek omicron
        ],
    )
    def test_mixed_scripts_in_an_alias(self, alias):
        [problem] = refused(with_approver(alias))

        assert problem.message == "An alias mixes letters of several scripts, which look alike."

    @pytest.mark.parametrize(
        "alias",
        [
            "o'brien-smith_1.x+y",
            "jürgen.müller",
            "ju\u0308rgen",
            "мария",
            "μαρία@contoso.com",
            "山田taro",
            "やまだタロウ1",
            "홍길동",
            "d2719bf2-9a2e-4f2a-8a1a-0a5a1a2b3c4d",
        ],
    )
    def test_names_of_all_scripts_are_aliases(self, alias):
        assert parse(with_approver(alias)).approvers[0].alias == alias

    @pytest.mark.parametrize(("name", "sent"), [("DocumentNumber", ".."), ("FiscalYear", ".")])
    def test_an_identifier_that_would_be_a_path(self, name, sent):
        identifier = a_payload()["ApprovalIdentifier"] | {name: sent}

        [problem] = refused(a_payload(ApprovalIdentifier=identifier))

        assert problem.pointer == f"/ApprovalIdentifier/{name}"

    def test_an_identifier_with_a_line_break(self):
        identifier = a_payload()["ApprovalIdentifier"] | {"DocumentNumber": "REQ\r\nX: y"}

        [problem] = refused(a_payload(ApprovalIdentifier=identifier))

        assert problem.message == "DocumentNumber has characters that cannot be seen."


class TestAllAtOnce:
    def test_every_problem_is_told_with_its_place(self):
        payload = with_summary(UnitValue="", ApprovalHierarchy=[{"Approvers": []}])
        payload |= {
            "operation": 9,
            "Approvers": [{"alias": "a/b"}, 7],
            "OperationDateTime": "never",
            "DetailsData": [],
        }
        del payload["Operation"]

        pointers = [problem.pointer for problem in refused(payload)]

        assert sorted(pointers) == [
            "/Approvers/0/alias",
            "/Approvers/1",
            "/DetailsData",
            "/OperationDateTime",
            "/SummaryData/ApprovalHierarchy/0/Approvers",
            "/SummaryData/UnitValue",
            "/operation",
        ]

    def test_what_is_no_rule_of_assents_is_named_by_its_path(self):
        [problem] = refused(a_payload(Approvers=[{"Alias": "ok"}, 7]))

        assert problem.members == ("ApprovalRequestExpression.Approvers.1",)


class TestLeniency:
    """What the samples and the tenants' own serializers do is taken."""

    def test_names_in_any_case(self):
        sent = a_payload(DocumentTypeId=..., Operation=...)
        sent |= {"DocumentTypeID": TENANT.upper(), "OPERATION": 1}
        sent["approvalidentifier"] = sent.pop("ApprovalIdentifier")

        arx = parse(sent)

        assert arx.key == ApprovalKey(TENANT, "REQ-34562-126", "2020")
        assert arx.warnings == ()

    def test_a_guid_in_braces(self):
        assert parse(a_payload(DocumentTypeId=f"{{{TENANT}}}")).key.tenant == TENANT

    def test_unknown_fields_are_kept_and_warned_of(self):
        arx = parse(a_payload(Priority="high", Approvers=[{"Alias": "a", "Mood": 1}]))

        assert '"Priority": "high"' in arx.raw
        assert arx.warnings == (
            "Not a field we know: /Priority",
            "Not a field we know: /Approvers/0/Mood",
        )

    @pytest.mark.parametrize("sent", ["lots", "12,480.00", "nan"])
    def test_an_amount_that_is_no_number_is_kept_and_warned_of(self, sent):
        summary = a_payload()["SummaryData"] | {"UnitValue": sent}

        arx = parse(a_payload(SummaryData=summary))

        assert arx.content is not None
        assert arx.content.unit_value == sent
        assert any("UnitValue is no number" in each for each in arx.warnings)

    def test_many_warnings_are_cut(self):
        arx = parse(a_payload() | {f"Unknown{n}": n for n in range(1000)})

        assert len(arx.warnings) == 21
        assert arx.warnings[-1] == "And 980 more."

    @pytest.mark.parametrize(("sent", "operation"), [("2", 2), ("Update", 2), (2, 2)])
    def test_operation_as_number_text_or_name(self, sent, operation):
        assert parse(a_payload("update", Operation=sent)).operation == operation

    def test_numbers_and_truth_values_where_texts_are_expected(self):
        body = json.dumps(with_summary(UnitValue=-1, CompanyCode=1010, Title=True)).encode()

        content = parse(body.replace(b'"UnitValue": -1', b'"UnitValue": 19515.10')).content

        assert content is not None
        assert (content.unit_value, content.company_code, content.title) == (
            "19515.10",
            "1010",
            "true",
        )

    def test_money_keeps_every_digit(self):
        body = json.dumps(with_summary(UnitValue=-1)).encode()

        content = parse(body.replace(b": -1", b": 12345678901234567890.123456789")).content

        assert content is not None
        assert content.unit_value == "12345678901234567890.123456789"

    def test_no_operation_date_time(self):
        assert parse(a_payload(OperationDateTime=...)).ticks is None
        assert parse(a_payload(OperationDateTime="")).ticks is None

    def test_null_lists_and_objects(self):
        arx = parse(
            with_summary(
                ApprovalHierarchy=None,
                Attachments=None,
                AdditionalData=None,
                ApprovalActionsApplicable=None,
                CustomAttribute=None,
                Submitter=None,
                ApproverNotes=None,
            )
            | {"DetailsData": None, "Telemetry": None, "NotificationDetail": None}
        )

        assert arx.content is not None
        assert arx.content.submitter == Named()
        assert arx.content.custom_attribute is None
        assert arx.content.actions == ()
        assert arx.details == {}
        assert (arx.xcv, arx.tcv) == ("REQ-34562-126", "")

    def test_delegation_and_original_approvers(self):
        sent = {"Alias": " JohnDoe1 ", "Delegation": "", "OriginalApprovers": ["boss", None]}

        [approver] = parse(a_payload(Approvers=[sent])).approvers

        assert (approver.alias, approver.original_approvers) == ("JohnDoe1", ("boss",))

    def test_one_spelling_of_the_fields_says_nothing_of_the_next(self):
        shouted = {name.upper(): value for name, value in a_payload().items()}

        assert parse(shouted).approvers == parse(a_payload()).approvers == parse(shouted).approvers
        for _ in range(2):
            assert parse(a_payload(Mood=1)).warnings == ("Not a field we know: /Mood",)
            assert refused(a_payload() | {"operation": 1})[0].message == "operation is given twice."
        assert parse(a_payload()).warnings == ()

    def test_somebody_named_twice_counts_once(self):
        arx = parse(a_payload(Approvers=[{"Alias": "Maria"}, {"Alias": "maria "}]))

        assert [approver.alias for approver in arx.approvers] == ["Maria"]
        assert arx.warnings == ("Approvers names somebody twice; the first entry counts.",)

    def test_delete_for_in_a_create_and_approvers_in_a_delete_are_not_used(self):
        create = parse(a_payload(DeleteFor=["johndoe9"]))
        delete = parse(a_payload("delete", Approvers=[{"Alias": "johndoe9"}]))

        assert (create.delete_for, delete.approvers) == ((), ())
        assert len(create.warnings) == len(delete.warnings) == 1

    def test_an_action_without_date_has_the_payloads_time(self):
        never = with_action(Date="0001-01-01T00:00:00")

        first, second = parse(never).action, parse(with_action(Date=...)).action
        third = parse(with_action(Date=None) | {"OperationDateTime": None}).action

        assert first is not None
        assert second is not None
        assert third is not None
        assert first.at == second.at == datetime(2017, 9, 26, 11, 20, 52, 673597, tzinfo=UTC)
        assert third.at == NOW

    def test_a_failure_and_a_delegate_are_read(self):
        action = parse(
            with_action(
                UserActionFailureReason=" Budget gone ",
                AdditionalData={"actionByDelegateInMSApprovals": "johndoe2", "Empty": None},
            )
        ).action

        assert action is not None
        assert (action.failure, action.delegate) == ("Budget gone", "johndoe2")

    def test_details_keys_are_upper_case_and_objects_become_json(self):
        arx = parse(a_payload(DetailsData={"dt1": {"a": [1, 2.50]}, "Line": None, "HDR": ""}))

        assert set(arx.details) == {"DT1", "HDR"}
        assert json.loads(arx.details["DT1"]) == {"a": [1, "2.5"]}

    def test_details_that_are_no_json_are_kept_and_warned_of(self):
        arx = parse(a_payload(DetailsData={"DT1": "<b>"}))

        assert arx.details == {"DT1": "<b>"}
        assert arx.warnings == ("DetailsData.DT1 is no JSON; the card comes without it.",)

    def test_details_with_too_many_values_are_kept_and_warned_of(self):
        arx = parse(a_payload(DetailsData={"DT1": "[" + "1," * 50_000 + "1]"}))

        assert set(arx.details) == {"DT1"}
        [warning] = arx.warnings
        assert warning == "DetailsData.DT1 has more than 50000 values; the card comes without it."

    def test_a_byte_order_mark(self):
        assert parse(b"\xef\xbb\xbf" + a_sample()).operation is Operation.CREATE

    def test_half_an_emoji_is_replaced(self):
        arx = parse(with_summary(Title="cut \ud83d"))

        assert arx.content is not None
        assert arx.content.title == "cut \ufffd"
        assert arx.warnings == ("A text holds half a character; it is replaced.",)

    def test_whole_emoji_stay(self):
        arx = parse(with_summary(Title="whole 😀"))

        assert arx.content is not None
        assert arx.content.title == "whole 😀"
        assert arx.warnings == ()

    @pytest.mark.parametrize(
        ("sent", "size"), [(1024, 1024), ("12", 12), ("1 MB", None), (-1, None)]
    )
    def test_an_attachments_size(self, sent, size):
        content = parse(with_summary(Attachments=[{"Name": "a.pdf", "Size": sent}])).content

        assert content is not None
        assert content.attachments[0].size == size

    def test_refresh_details_may_be_text(self):
        assert parse(a_payload(RefreshDetails="False")).refresh_details is False
        assert parse(a_payload(RefreshDetails=None)).refresh_details is True
        assert refused(a_payload(RefreshDetails="maybe"))[0].pointer == "/RefreshDetails"


class TestLimits:
    @pytest.mark.parametrize(
        ("payload", "pointer"),
        [
            (a_payload(Approvers=[{"Alias": f"a{n}"} for n in range(201)]), "/Approvers"),
            (a_payload("delete", DeleteFor=[f"a{n}" for n in range(201)]), "/DeleteFor"),
            (with_approver("a" * 257), "/Approvers/0/Alias"),
            (with_summary(Title="x" * 4001), "/SummaryData/Title"),
            (with_summary(ApproverNotes="x" * 10_001), "/SummaryData/ApproverNotes"),
            (with_summary(Attachments=[{}] * 101), "/SummaryData/Attachments"),
            (with_summary(AdditionalData={str(n): "" for n in range(101)}), "/SummaryData/AdditionalData"),
            (with_summary(AdditionalData={"k": "x" * 4001}), "/SummaryData/AdditionalData/k"),
            (a_payload(DetailsData={str(n): "{}" for n in range(51)}), "/DetailsData"),
            (a_payload(DetailsData={"A": "[" * 40 + "]" * 40}), "/DetailsData"),
            (a_payload(DetailsData={"A": "[" * 40_000}), "/DetailsData"),
            (a_payload(DetailsData={"a": "1", "A": "2"}), "/DetailsData"),
            (with_action(Comment="x" * 10_001), "/ActionDetail/Comment"),
        ],
    )  # fmt: skip
    def test_too_much_is_refused_with_its_place(self, payload, pointer):
        assert [problem.pointer for problem in refused(payload)] == [pointer]

    def test_two_hundred_approvers_are_taken(self):
        arx = parse(a_payload(Approvers=[{"Alias": f"a{n}"} for n in range(200)]))

        assert len(arx.approvers) == 200

    @pytest.mark.parametrize("depth", [33, 900, 200_000])
    def test_nesting(self, depth):
        body = b'{"a":' + b"[" * depth + b"]" * depth + b"}"

        [problem] = refused(body)

        assert problem.message == "The body is nested deeper than 32 levels."

    def test_problems_are_counted_out(self):
        payload = a_payload(Approvers=[{"Alias": "a/^\u200b"} for _ in range(200)])

        assert len(refused(payload)) == 200


class TestNotJson:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "An empty payload was sent."),
            (b" \r\n", "An empty payload was sent."),
            (b"{", "The body is not JSON: Expecting property name"),
            (b"<xml/>", "The body is not JSON: Expecting value"),
            (b'{"a": NaN}', "The body is not JSON: NaN is not a number"),
            (b'{"a": ' + b"1" * 5000 + b"}", "The body is not JSON: "),
            (b'{"a": "\xff"}', "The body is not UTF-8."),
            ("{}".encode("utf-16"), "The body is not UTF-8."),
            (b"[]", "ApprovalRequestExpression must be an object."),
            (b'"text"', "ApprovalRequestExpression must be an object."),
        ],
    )
    def test_one_clear_problem(self, body, message):
        [problem] = refused(body)

        assert problem.pointer == ""
        assert problem.message.startswith(message)

    def test_two_byte_order_marks(self):
        [problem] = refused(b"\xef\xbb\xbf\xef\xbb\xbf{}")

        assert problem.message.startswith("The body is not JSON: Unexpected UTF-8 BOM")

    def test_a_field_twice_is_refused_not_guessed(self):
        body = a_sample().replace(b'"Operation": 1,', b'"Operation": 1, "Operation": 3,')

        problems = refused(body)

        assert problems[0].message == "Operation is given twice in one object."

    def test_a_field_twice_in_another_case_is_refused(self):
        [problem] = refused(a_payload() | {"operation": 3})

        assert (problem.pointer, problem.message) == ("/operation", "operation is given twice.")

    @given(st.binary(max_size=200))
    def test_garbage_is_invalid_and_nothing_else(self, body):
        with pytest.raises(InvalidArx):
            parse(body)

    @given(
        st.sampled_from(["create", "update", "delete"]),
        st.sampled_from(sorted(a_payload())),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["Alias", "Approvers", "x"]), inner)
            ),
            max_leaves=8,
        ),
    )
    def test_any_value_in_any_field_is_read_or_invalid(self, operation, name, value):
        payload = json.dumps(a_payload(operation, **{name: value})).encode()

        try:
            arx = parse(payload)
        except InvalidArx as invalid:
            told = len(invalid.problems)
        else:
            told = len(arx.model_dump_json())  # it can be stored

        assert told


class TestDigest:
    def test_order_of_fields_space_and_telemetry_do_not_count(self):
        first = a_payload()
        again = dict(reversed(first.items())) | {"Telemetry": {"Tcv": "another"}}

        same = parse(json.dumps(again, indent=3).encode()).digest

        assert same == parse(a_sample()).digest

    def test_telemetry_is_known_in_any_case(self):
        sent = a_payload(Telemetry=...) | {"telemetry": {"Tcv": "another"}}

        assert parse(sent).digest == parse(a_sample()).digest

    def test_everything_else_counts(self):
        digests = {
            parse(sent).digest
            for sent in (
                a_payload(),
                a_payload(OperationDateTime="2017-09-26T11:20:52.6735980Z"),
                with_summary(UnitValue="19516"),
                with_summary(UnitValue=19515),
                a_payload(Unknown=1),
            )
        }

        assert len(digests) == 5

    def test_it_stays_what_it_was_in_the_store(self):
        assert parse(a_sample("update")).digest == (
            "504c26ed0140d0bd0d42f18f297ca33819fbd295a7a9e994db01c76dbf127ac9"
        )


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "ticks"),
        [
            ("0001-01-01T00:00:00", 0),
            ("2017-09-26T11:20:52.6735979Z", 636_420_216_526_735_979),
            ("2017-09-26T11:20:52.6735979Z ", 636_420_216_526_735_979),
            ("2017-09-26T11:20:52.673597912Z", 636_420_216_526_735_979),
            ("2017-09-26T13:20:52.6735979+02:00", 636_420_216_526_735_979),
            ("2017-09-26T06:20:52.6735979-0500", 636_420_216_526_735_979),
            ("2017-09-26 11:20:52.6735979", 636_420_216_526_735_979),
            ("2017-09-26", 636_419_808_000_000_000),
            ("2017-09-26T00:00", 636_419_808_000_000_000),
            ("9999-12-31T23:59:59.9999999-14:00", 3_155_378_975_999_999_999 + 504_000_000_000),
            ("0001-01-01T00:00:00+14:00", 0),
        ],
    )
    def test_dates_as_tenants_write_them(self, text, ticks):
        assert read_ticks(text) == ticks

    @pytest.mark.parametrize(
        "text",
        ["", "now", "2017-13-01", "2017-02-30T00:00:00Z", "2017-09-26T25:00:00Z", "26/09/2017"],
    )  # fmt: skip
    def test_what_is_no_date(self, text):
        assert read_ticks(text) is None

    def test_the_end_of_time_is_a_time(self):
        assert time_of(read_ticks("9999-12-31T23:59:59.9999999-14:00") or 0).year == 9999

    @given(st.datetimes(timezones=st.just(UTC)))
    def test_a_time_of_ours_survives(self, at):
        assert time_of(ticks_of(at)) == at


class TestFold:
    @pytest.mark.parametrize(
        ("name", "folded"),
        [
            (" JohnDoe1 ", "johndoe1"),
            ("JOHNDOE1@Organization.com", "johndoe1"),
            ("johndoe1@elsewhere.com", "johndoe1@elsewhere.com"),
            ("a@b@organization.com", "a@b"),
            ("Straße", "strasse"),
            ("ju\u0308rgen", "jürgen"),
            ("D2719BF2-9A2E-4F2A-8A1A-0A5A1A2B3C4D", "d2719bf2-9a2e-4f2a-8a1a-0a5a1a2b3c4d"),
            ("{D2719BF2-9A2E-4F2A-8A1A-0A5A1A2B3C4D}", "d2719bf2-9a2e-4f2a-8a1a-0a5a1a2b3c4d"),
            ("{john}", "{john}"),
            ("", ""),
        ],
    )
    def test_two_names_of_one_person_are_equal(self, name, folded):
        assert fold(name, ("organization.com",)) == folded

    @given(st.text())
    def test_folding_again_changes_nothing_without_domains(self, name):
        once = fold(name, ())

        assert fold(once, ()) == once
