"""The end of a worker as its jobs see it: nothing more goes out, and what went out is written down."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, NamedTuple, TypeVar

from approvals_core.errors import AnswerLost, ChannelBusy, ChannelError

WRITTEN_WITHIN = 4.0  # seconds for what became of a call, longer than a store is asked again
AGAIN = 0.0  # seconds: another worker takes at once what this one puts off

Task = asyncio.Task[Any]
Result = TypeVar("Result")


class Ending:
    """
    The end of one worker.

    From `begin` on, its jobs send nothing more: those that wait for their turn are put off, and
    so go out once, from another worker. What is on the wire by then is waited for until `over`;
    after that, nobody knows whether it arrived, and that is written down, too.
    """

    def __init__(self) -> None:
        self.sending = _Gate(lambda: ChannelBusy("this worker is ending", retry_after=AGAIN))
        self.waiting = _Gate(lambda: AnswerLost("this worker ended before the answer"))
        self._writing: set[Task] = set()

    @contextmanager
    def followed(self) -> Generator[None]:
        """Let the job that this task does within the context end as its worker does."""
        task = _this_task()
        token = _job.set(_Job(self, task))
        try:
            yield
        finally:
            _job.reset(token)
            self._writing.discard(task)

    def spawn(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Do *work* in a task of its own that ends as this does; call `nothing_sent` when it is over."""
        context = copy_context()
        task = asyncio.create_task(work, context=context)
        context.run(_job.set, _Job(self, task))  # it has not begun
        return task

    def begin(self) -> None:
        """Let nothing more out."""
        self.sending.shut()

    def over(self) -> None:
        """Wait for no answer any more."""
        self._writing |= self.waiting.inside
        self.waiting.shut()

    @property
    def writing(self) -> AbstractSet[Task]:
        """Return the tasks that were answered, or were not in time, and have to write that down."""
        return self._writing

    def answered(self, task: Task) -> None:
        """Note that *task* has to write down what became of its call."""
        self._writing.add(task)

    def nothing_sent(self, task: Task) -> None:
        """Note that *task* has nothing to write down: it may be broken off."""
        self._writing.discard(task)


class _Gate:
    """What is done no longer once it is shut: whoever is inside then gets an error instead."""

    def __init__(self, error: Callable[[], ChannelError]) -> None:
        self._error = error
        self._shut = False
        self._told: set[Task] = set()
        self.inside: set[Task] = set()

    def shut(self) -> None:
        """Let nobody in any more, and tell those inside."""
        self._shut = True
        self._told |= self.inside
        for task in self.inside:
            task.cancel()

    @contextmanager
    def passed(self) -> Generator[None]:
        """Be inside. As `asyncio.timeout` does, tell our own cancellation from anybody else's."""
        if self._shut:
            raise self._error()
        task = _this_task()
        before = task.cancelling()
        self.inside.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if task in self._told and task.uncancel() <= before:
                raise self._error() from None
            raise
        finally:
            self.inside.discard(task)
            self._told.discard(task)


class _Job(NamedTuple):
    """The job that is being done: what ends with its worker, and its task, which may have others."""

    ending: Ending
    task: Task


_job: ContextVar[_Job | None] = ContextVar("job", default=None)


@contextmanager
def before_the_wire() -> Generator[None]:
    """
    Wait for one's turn within this context: a job may be put off there, as nothing was sent.

    Raises:
        ChannelBusy: Its worker ends.
    """
    job = _job.get()
    if job is None:  # an answer to somebody who waits for it
        yield
        return
    job.ending.nothing_sent(job.task)
    with job.ending.sending.passed():
        yield


@contextmanager
def on_the_wire() -> Generator[None]:
    """
    Send, and wait for the answer, within this context; what comes of it is to be written down.

    Raises:
        AnswerLost: The worker of this job is over before the answer came.
    """
    job = _job.get()
    if job is None:
        yield
        return
    try:
        with job.ending.waiting.passed():
            yield
    finally:
        job.ending.answered(job.task)


def answered() -> None:
    """Note that the job, or the click, has an answer which it cannot ask for again: it is written down first."""
    if (job := _job.get()) is not None:
        job.ending.answered(job.task)


def _this_task() -> Task:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("jobs are done in tasks")
    return task
