"""A text that was read lately is not read again; another one always is."""

from approvals_core.adapters.stored import SHORT, read_approval
from approvals_core.models import Approval, Change
from approvals_core.ports import Store
from approvals_core.rules import intake
from tests.makers import a_stamp, a_tenant, create


def an_approval() -> Approval:
    asked, stamp = create("johndoe1", "johndoe2"), a_stamp()
    change = intake.receive(None, asked, tenant=a_tenant(), payload_id="0", stamp=stamp).change
    assert change.approval is not None
    return change.approval


def test_equal_texts_are_read_once() -> None:
    approval = an_approval()

    first = read_approval(approval.model_dump_json())

    assert first == approval
    assert read_approval(approval.model_dump_json()) is first


def test_a_text_with_one_other_letter_is_another_approval() -> None:
    approval = an_approval()
    read_approval(approval.model_dump_json())

    other = read_approval(approval.model_copy(update={"unclear": "x"}).model_dump_json())

    assert other.unclear == "x"


def test_what_would_fill_the_memory_is_read_each_time() -> None:
    long = an_approval().model_copy(update={"unclear": "x" * SHORT}).model_dump_json()

    assert read_approval(long) == read_approval(long)
    assert read_approval(long) is not read_approval(long)


async def test_after_a_commit_the_newest_state_is_read(store: Store) -> None:
    approval = an_approval()
    scope = approval.key.scope
    await store.commit(Change(id=approval.last_change, scope=scope, approval=approval))
    before = await store.approval(approval.key)
    newer = approval.model_copy(
        update={"version": approval.version + 1, "last_change": "1" * 32, "unclear": "x"}
    )

    await store.commit(Change(id="1" * 32, scope=scope, approval=newer))

    assert before == approval
    assert await store.approval(approval.key) == newer
