"""How fast mails of one mailbox go out, by a clock that stands still until it is told."""

import pytest

from approvals_core.adapters.mail import MailPace
from approvals_core.errors import ChannelBusy
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> MailPace:
    return MailPace(at_once=2, per_minute=3, monotonic=clock.monotonic)


def send(pace: MailPace) -> None:
    with pace.turn():
        pass


def test_so_many_in_a_minute_and_no_more(pace: MailPace, clock: Clock) -> None:
    for _ in range(3):
        send(pace)
        clock.advance(5)

    with pytest.raises(ChannelBusy) as busy:
        send(pace)

    assert busy.value.retry_after == pytest.approx(45)
    clock.advance(busy.value.retry_after)
    send(pace)


def test_no_window_of_a_minute_holds_more(clock: Clock) -> None:
    pace = MailPace(at_once=2, per_minute=30, monotonic=clock.monotonic)
    times: list[float] = []
    while len(times) < 300:
        try:
            send(pace)
            times.append(clock.monotonic())
        except ChannelBusy as busy:
            clock.advance(busy.retry_after)
        clock.advance(0.7)

    most = max(sum(start <= each < start + 60 for each in times) for start in times)
    assert most == 30


def test_so_many_at_once_and_no_more(pace: MailPace) -> None:
    with pace.turn(), pace.turn(), pytest.raises(ChannelBusy) as busy:
        send(pace)

    assert busy.value.retry_after == 2
    send(pace)


def test_a_mail_that_was_not_let_out_does_not_count(pace: MailPace, clock: Clock) -> None:
    with pace.turn(), pace.turn():
        for _ in range(5):
            with pytest.raises(ChannelBusy):
                send(pace)

    send(pace)


def test_a_mail_that_fails_counts_and_frees_its_place(pace: MailPace) -> None:
    for _ in range(3):
        with pytest.raises(OSError, match="gone"), pace.turn():
            raise OSError("gone")

    with pytest.raises(ChannelBusy, match="our own pace"):
        send(pace)


def test_nothing_goes_out_while_the_mailbox_is_held(pace: MailPace, clock: Clock) -> None:
    pace.hold(90)
    pace.hold(10)  # what asks for less does not take it back

    with pytest.raises(ChannelBusy) as busy:
        send(pace)

    assert busy.value.retry_after == 90
    clock.advance(90)
    send(pace)
