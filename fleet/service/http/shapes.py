"""The shapes of the API's answers. The description of the API is made from these; handlers make plain JSON,
and tests hold that it is of its shape.

Times are seconds since the epoch, durations are seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from fleet.outcome import Status
from fleet.service.store.rows import RunState

Time = Annotated[float, Field(description="Seconds since the epoch.")]
Seconds = Annotated[float, Field(description="A duration in seconds.")]
Count = Annotated[int, Field(ge=0)]
Mark = Annotated[str | None, Field(description="`page` of the next page; null on the last one.")]


class Shape(BaseModel):
    """Everything that is named here is there, and nothing else."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Error(Shape):
    """Why there is no answer."""

    error: str


class Statuses(Shape):
    """Targets by the status of their outcome."""

    ok: Count
    partial: Count
    failed: Count
    skipped: Count


class ReloadInfo(Shape):
    """How the configuration was read last."""

    successful: bool = Field(description="False: what is in force is older than what was read last.")
    succeeded_at: Time
    error: str = Field(description="Why it could not be used, empty where it could.")


class ServiceInfo(Shape):
    """The service itself."""

    version: str
    started: Time
    now: Time
    shard: str | None
    ready: bool
    reload: ReloadInfo
    jobs: Count
    targets: Count = Field(description="Different targets in all inventories.")
    sessions: Count = Field(description="Sessions kept for the next round.")
    connections: Count = Field(description="Idle connections kept.")
    running: list[str] = Field(description="Names of the runs that run now.")


class RunInfo(Shape):
    """One run: a pipeline of a job over its inventory."""

    run: str
    job: str
    pipeline: str
    state: RunState = Field(
        description="running; complete: every target has its outcome; stopped: a restart of the service "
        "goes on with it; failed; abandoned: nobody goes on with it."
    )
    cause: str = Field(description="What began it: schedule, or request.")
    started: Time
    ended: Time | None
    seconds: Seconds = Field(description="How long it took, or has taken until now.")
    total: int | None = Field(description="Targets that it has; null while that is not known.")
    statuses: Statuses = Field(description="Targets that have their outcome.")
    in_flight: Count = Field(description="Targets that are asked now.")
    requests: Count
    failing: Count = Field(description="Targets that are newly failing.")
    recovered: Count
    checks: Count = Field(description="Checks that newly fail.")
    gone: Count = Field(description="Targets that the inventory no longer had.")
    bytes: Count = Field(description="Of its directory.")
    why: str = Field(description="Why it is not complete, empty where it is.")


class Runs(Shape):
    """Some runs, newest first."""

    runs: list[RunInfo]
    next: Mark


class JobInfo(Shape):
    """One job."""

    job: str
    spec: str
    pipelines: list[str]
    schedule: str | None = Field(description="In words; null where it runs only when asked.")
    targets: Count
    busy: str | None = Field(
        description="Why its round runs: schedule, request, resumed; null while none does."
    )
    due: Time | None = Field(description="When its next round is due.")
    missed: Count = Field(description="Rounds that did not begin when they were due.")
    running: list[RunInfo]
    last: list[RunInfo] = Field(description="The last complete run of each pipeline.")


class Jobs(Shape):
    """All jobs, in the order of the configuration."""

    jobs: list[JobInfo]


class Begun(Shape):
    """A round that was asked for has begun."""

    job: str


class TargetInfo(Shape):
    """A target in one pipeline of a job. What a run has not said yet is null."""

    job: str
    pipeline: str
    id: str
    url: str
    labels: dict[str, str]
    auth: str | None = Field(description="The name of its credential.")
    proxy: str | None = Field(description="The name of its proxy.")
    status: Status | None
    kind: str | None = Field(description="The kind of its failure.")
    message: str
    run: str | None
    at: Time | None = Field(description="When its last outcome was made.")
    seconds: Seconds | None
    requests: Count
    last_success: Time | None
    failing_since: Time | None
    failures: Count = Field(description="Failed outcomes in a row.")
    past: str = Field(description="A letter for each of the last outcomes: o, p, f, s; the newest is last.")
    flaps: Count = Field(description="How often it went up or down among them.")
    flapping: bool
    failed_checks: list[str]
    values: dict[str, float] = Field(description="The highest sample of each metric.")


class Targets(Shape):
    """Some targets, by job, pipeline and id (bmc2 before bmc10)."""

    targets: list[TargetInfo]
    total: Count = Field(description="All that the query fits.")
    passed: Count = Field(description="Those of them that stand before the first one here.")
    previous: str | None = Field(description="`page` of the page before; null on the first one.")
    next: Mark


class TargetStory(Shape):
    """One target in every job that has it."""

    id: str
    url: str
    labels: dict[str, str]
    states: list[TargetInfo]
    changes: list[ChangeInfo]


class ChangeInfo(Shape):
    """What an outcome changed. `detail` is the message of the failure, how long it lasted, or the check."""

    number: Count
    what: Literal["failing", "recovered", "check"]
    job: str
    pipeline: str
    target: str
    run: str
    at: Time
    kind: str | None
    detail: str


class Changes(Shape):
    """Some changes, newest first."""

    changes: list[ChangeInfo]
    next: Mark


class Cells(Shape):
    """All targets of a pipeline, in columns of one length: for a map of ten thousand of them."""

    job: str
    pipeline: str
    by: str | None = Field(description="The label that `group` is of.")
    labels: list[str] = Field(description="The names of labels that targets have.")
    metrics: list[str] = Field(description="The names of metrics that targets have samples of.")
    id: list[str]
    status: list[Status | None]
    kind: list[str | None]
    at: list[float | None]
    seconds: list[float | None]
    failing_since: list[float | None]
    group: list[str] | None = Field(description="The value of the label `by`.")
    value: list[float | None] | None = Field(description="The highest sample of `metric`.")


class FailureGroup(Shape):
    """Targets that failed for one reason."""

    kind: str
    cause: str = Field(description="What their messages have in common.")
    targets: Count
    hosts: list[str] = Field(description="The largest sets of them, as an inventory reads them.")
    unnamed: Count = Field(description="Targets in none of these sets.")
    meaning: str
    blame: str
    hint: str
    example: str = Field(description="One of them.")
    message: str = Field(description="Its message.")


class Failures(Shape):
    """Failed targets by kind and cause, the most first."""

    failures: list[FailureGroup]
    targets: Count


class OutcomePage(Shape):
    """Outcomes of a run in the order they were stored; a target that was scanned again is there again, and
    its last one counts. Each is as docs/reference/outcome.schema.json says."""

    outcomes: list[dict[str, Any]]
    next: Mark


class Difference(Shape):
    """One difference of two outcomes of a target, as `fleet diff --format csv` has it."""

    what: Literal[
        "failing", "recovered", "otherwise", "partial", "whole", "added", "removed", "changed", "uncompared"
    ] = Field(
        description="otherwise: it failed both times, for another cause; uncompared: no difference, but what "
        "could not be compared, and `why`."
    )
    step: str
    parent: str = Field(description="The rows above, by their keys.")
    row: str = Field(description="The key of the row, or its path.")
    field: str
    before: Any
    after: Any
    kind: str = Field(description="The kind of the failure that came or went.")
    why: str


class TwoOutcomes(Shape):
    """What a target said last, and in the run before. Each is as docs/reference/outcome.schema.json says."""

    job: str
    pipeline: str
    outcome: dict[str, Any] | None = Field(description="null where no run that is kept has one.")
    previous: dict[str, Any] | None
    differences: list[Difference] | None = Field(
        description="What differs between the two, 1,000 at most; null where there are not two."
    )


class RouteLine(Shape):
    """The requests of one route over all targets."""

    route: str
    requests: Count
    mean: Seconds
    p90: Seconds = Field(description="So long took nine of ten at most; an upper bound.")


class RunReport(Shape):
    """What became of a run so far."""

    run: str
    at: Time = Field(description="When it was made.")
    report: dict[str, Any] | None = Field(
        description="As docs/reference/report.schema.json says; null while nothing is stored."
    )
    routes: list[RouteLine] = Field(description="By time spent, the most first; empty while it runs.")


class DiffAnswer(Shape):
    """What differs from one run to another; `diff` is as docs/reference/diff.schema.json says."""

    before: str | None = Field(description="null where no complete run is before it.")
    after: str
    diff: dict[str, Any] | None


class ProbeAnswer(Shape):
    """What came of asking a target now."""

    outcome: dict[str, Any]
    age: Seconds = Field(description="0 where the target was asked for this answer.")
    job: str
    pipeline: str


TargetStory.model_rebuild()
