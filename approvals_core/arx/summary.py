"""Reads SummaryData: what an approver decides on."""

from math import isfinite

from approvals_core.arx.reading import Node, as_text
from approvals_core.arx.times import read_ticks
from approvals_core.models import ApprovalKey, Attachment, Content, Level, Named

APPROVERS = 200  # of one list
LEVELS = 50
ATTACHMENTS = 100
ACTIONS = 50
ENTRIES = 100  # of AdditionalData
NUMBER = 200  # characters of a document number
YEAR = 20
SHORT = 256
NOTES = 10_000
FILE_BYTES = 1 << 50  # a larger Size is no size


def names(text: str) -> frozenset[str]:
    """Return field names in the form in which they are looked up."""
    return frozenset(text.lower().split())


IDENTIFIER = names("DisplayDocumentNumber DocumentNumber FiscalYear")
PERSON = names("Alias Name Id UserPrincipalName MailNickname Email")
_SUMMARY = names(
    "DocumentTypeId Title UnitValue UnitOfMeasure SubmittedDate DetailPageURL CompanyCode"
    " ApprovalIdentifier Submitter CustomAttribute ApprovalHierarchy ApprovalActionsApplicable"
    " AdditionalData Attachments ApproverNotes RequestVersion"
)
_CUSTOM = names("CustomAttributeName CustomAttributeValue")
_LEVEL = names("Approvers ApproverType")
_ATTACHMENT = names(
    "ID Name Url DocumentType IsPreAttached UploadedBy UploadedDate Category Description"
    " Size FileSize"
)
_SUMMARY_NAME = "ApprovalRequestExpression.SummaryJson"  # as Assent calls it


def read_summary(root: Node, key: ApprovalKey) -> Content | None:
    """Return the summary of the document *key*, None if the ARX has none."""
    summary = root.child("SummaryData", _SUMMARY)
    if summary is None:
        return None
    _check_type(summary, key.tenant)
    _check_identifier(summary, key)
    return Content(
        title=summary.text("Title"),
        unit_value=_amount(summary),
        unit_of_measure=_required(summary, "UnitOfMeasure"),
        submitted=_submitted(summary),
        detail_page_url=summary.text("DetailPageURL"),
        company_code=summary.text("CompanyCode", SHORT),
        submitter=named(summary, "Submitter") or Named(),
        custom_attribute=_custom_attribute(summary),
        hierarchy=_hierarchy(summary),
        additional=summary.pairs("AdditionalData", limit=ENTRIES),
        attachments=_attachments(summary),
        notes=summary.text("ApproverNotes", NOTES),
        actions=tuple(summary.texts("ApprovalActionsApplicable", limit=ACTIONS) or ()),
    )


def read_identifier(identifier: Node) -> tuple[str, str, str]:
    """Return DocumentNumber, FiscalYear and DisplayDocumentNumber, all as written."""
    shown = _number(identifier, "DisplayDocumentNumber")
    number = _number(identifier, "DocumentNumber")
    year = identifier.text("FiscalYear", YEAR)
    for name, text in (("DocumentNumber", number), ("FiscalYear", year)):
        if text in {".", ".."}:  # it is a part of paths at the tenant
            identifier.problem(name, f"{name} cannot be {text}")
    return number, year, shown


def _number(identifier: Node, name: str) -> str:
    text = identifier.text(name, NUMBER)
    if not text.strip():
        message = f"ApprovalIdentifier.{name} cannot be null or empty."
        identifier.problem(name, message, name)
    elif not text.isprintable():
        identifier.problem(name, f"{name} has characters that cannot be seen.")
    return text


def named(node: Node, name: str) -> Named | None:
    """Return the person in a field, None if there is none."""
    person = node.child(name, PERSON)
    return None if person is None else read_named(person)


def read_named(person: Node) -> Named:
    """Return a person as the tenant names him."""
    return Named(alias=person.text("Alias", SHORT).strip(), name=person.text("Name", SHORT))


def _check_type(summary: Node, document_type_id: str) -> None:
    sent = summary.text("DocumentTypeId", SHORT).strip()
    if not sent:
        message = "DocumentTypeId cannot be null or empty."
        summary.problem("DocumentTypeId", message, "DocumentTypeId")
    elif sent.lower().strip("{}") != document_type_id:
        summary.problem(
            "DocumentTypeId",
            "ApprovalRequestExpression.DocumentTypeId and SummaryJSON.DocumentTypeId should match.",
            f"{_SUMMARY_NAME}.DocumentTypeId",
            "ApprovalRequestExpression.DocumentTypeId",
        )


def _check_identifier(summary: Node, key: ApprovalKey) -> None:
    identifier = summary.child("ApprovalIdentifier", IDENTIFIER)
    if identifier is None:
        message = "SummaryJson.ApprovalIdentifier cannot be null."
        summary.problem("ApprovalIdentifier", message, "ApprovalIdentifier")
        return
    number, year, _ = read_identifier(identifier)
    if (number, year) != (key.number, key.year):
        summary.notes.warn("SummaryData names another document; it is not looked at.")


def _required(summary: Node, name: str) -> str:
    text = summary.text(name, SHORT)
    if not text.strip():
        summary.problem(name, f"SummaryJson.{name} cannot be null or empty.", name)
    return text


def _amount(summary: Node) -> str:
    text = _required(summary, "UnitValue")
    if text.strip() and not _is_number(text):
        summary.notes.warn(
            "UnitValue is no number; it is shown as sent, and no condition with a number holds."
        )
    return text


def _is_number(text: str) -> bool:
    """Tell whether conditions find a number in it."""
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _submitted(summary: Node) -> str:
    text = summary.text("SubmittedDate", SHORT)
    if text and read_ticks(text) is None:
        summary.notes.warn("SubmittedDate is no date we can read; it is shown as sent.")
    return text


def _custom_attribute(summary: Node) -> tuple[str, str] | None:
    custom = summary.child("CustomAttribute", _CUSTOM)
    if custom is None:
        return None
    name, value = (custom.text(f"CustomAttribute{part}") for part in ("Name", "Value"))
    return (name, value) if name or value else None


def _hierarchy(summary: Node) -> tuple[Level, ...]:
    levels = summary.children("ApprovalHierarchy", _LEVEL, limit=LEVELS)
    if levels == []:
        message = "ApprovalHierarchy collection cannot be empty"
        summary.problem("ApprovalHierarchy", message, f"{_SUMMARY_NAME}.ApprovalHierarchy")
    return tuple(_level(level) for level in levels or ())


def _level(level: Node) -> Level:
    approvers = level.children("Approvers", PERSON, limit=APPROVERS)
    if approvers is None:
        level.problem("Approvers", "ApproverHeirarchy cannot be null.", "Approvers")
    elif not approvers:
        message = "ApproverHeirarchy.Approvers collection cannot be empty."
        member = f"{_SUMMARY_NAME}.ApprovalHierarchy.Approvers"
        level.problem("Approvers", message, member)
    return Level(
        kind=level.text("ApproverType", SHORT),
        approvers=tuple(read_named(approver) for approver in approvers or ()),
    )


def _attachments(summary: Node) -> tuple[Attachment, ...]:
    sent = summary.children("Attachments", _ATTACHMENT, limit=ATTACHMENTS)
    return tuple(_attachment(attachment) for attachment in sent or ())


def _attachment(sent: Node) -> Attachment:
    return Attachment(
        id=sent.text("ID"), name=sent.text("Name"), url=sent.text("Url"), size=_size(sent)
    )


def _size(sent: Node) -> int | None:
    text = as_text(sent.value("Size") or sent.value("FileSize")).strip()
    if not (text.isascii() and text.isdecimal() and len(text) < SHORT):
        return None
    return size if (size := int(text)) < FILE_BYTES else None
