"""A configuration in which everything is resolved: what a service works by until the next reload."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from fleet.assembly import PreparedScan, prepare
from fleet.errors import ConfigError, InventoryError, PlacedError, UsageError
from fleet.frozen import frozen
from fleet.inventory import AuthModel, Feeds, load_auths
from fleet.openapi import locate
from fleet.secret import Secret
from fleet.service.config.job import Job
from fleet.service.config.model import ServiceConfig
from fleet.service.config.options import options_of
from fleet.service.jobs.members import Members
from fleet.service.jobs.schedule import Schedule

Stamp = tuple[tuple[str, int, int, int], ...]  # of files: path, inode, size, time of change


@frozen
class ReadyJob:
    """One job. `scans` by pipeline, in their order; `files` are those that it was made from, and `stamp` how
    they looked then."""

    name: str
    job: Job
    scans: Mapping[str, PreparedScan]
    members: Members
    schedule: Schedule | None
    files: tuple[Path, ...]
    stamp: Stamp
    asked: int = 0  # the version of what its asked sources gave

    @property
    def pipelines(self) -> tuple[str, ...]:
        return tuple(self.scans)

    @property
    def feeds(self) -> Feeds:
        """What was asked for its targets."""
        return next(iter(self.scans.values())).survey.feeds

    @property
    def outdated(self) -> bool:
        """Whether its sources have given another list since."""
        return self.feeds.version != self.asked


@frozen
class Ready:
    """A whole configuration."""

    config: ServiceConfig
    jobs: Mapping[str, ReadyJob]
    stamp: Stamp
    notes: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The values that no output may show, as far as they were read."""
        return tuple(secret for scan in self._scans() for secret in scan.secrets)

    def teach(self, learn: Callable[..., None]) -> None:
        """Tell `learn` these, and from now on each that is read later: one target's own, or another one that
        a refusal or a changed file asked for."""
        for scan in self._scans():
            scan.bindings.learn = learn
        learn(*self.secrets)

    def _scans(self) -> Iterator[PreparedScan]:
        return (scan for job in self.jobs.values() for scan in job.scans.values())

    def changed(self) -> list[str]:
        """The files that are not what they were. Blocks."""
        stamps = {stamp[0]: stamp for stamp in self._stamps()}
        return [path for path, stamp in stamps.items() if look([Path(path)]) != (stamp,)]

    def ask_again(self) -> list[tuple[str, InventoryError]]:
        """Ask the sources of every job again. A source that does not answer keeps what it gave before, and
        that is told. Blocks."""
        return [(name, error) for name, job in self.jobs.items() for error in job.feeds.refresh()]

    def _stamps(self) -> Iterator[tuple[str, int, int, int]]:
        yield from self.stamp
        for job in self.jobs.values():
            yield from job.stamp

    def find(self, text: str, pipeline: str | None = None) -> list[ReadyJob]:
        """The jobs that have a target of that name, and the pipeline, in their order."""
        return [
            job
            for job in self.jobs.values()
            if (pipeline is None or pipeline in job.scans) and job.members.find(text) is not None
        ]


def make_ready(config: ServiceConfig, before: Ready | None = None) -> Ready:
    """Resolve a configuration. What `before` made of the same job and the same files is used again. Blocks.
    Raises UsageError."""
    jobs: dict[str, ReadyJob] = {}
    notes: list[str] = []
    for name, job in config.jobs.items():
        known = before.jobs.get(name) if before is not None else None
        if known is not None and _unchanged(config, before, known, job):
            jobs[name] = known
            continue
        try:
            jobs[name] = _ready(config, name, job, notes)
        except PlacedError as error:
            raise _of_job(error, config, name) from error
        except UsageError as error:
            raise _of_job(ConfigError(str(error)), config, name) from error
    own = [config.path, *([config.beside(config.web_config)] if config.web_config else [])]
    if config.notify is not None:
        own += _referred(config.notify.headers.values(), config.path.parent)
    return Ready(config, jobs, look(own), tuple(notes))


def _ready(config: ServiceConfig, name: str, job: Job, notes: list[str]) -> ReadyJob:
    scans: dict[str, PreparedScan] = {}
    for wanted in job.pipelines or (None,):
        options = options_of(config, job, wanted)
        scan = prepare(options, prompt=_nobody)
        scans[scan.plan.pipeline] = scan
        notes += [f"job {name}: {note}" for note in scan.notes]
    first = next(iter(scans.values()))
    files = tuple(dict.fromkeys(path for scan in scans.values() for path in _files(scan)))
    stamp = look(files)
    members = Members(first.targets(_ignored), scheme=job.scheme)
    return ReadyJob(name, job, scans, members, Schedule.of(job), files, stamp, first.survey.feeds.version)


def _unchanged(config: ServiceConfig, before: Ready | None, known: ReadyJob, job: Job) -> bool:
    if before is None:
        return False
    old = before.config
    same = (old.path, old.shard, old.targets_at_once) == (config.path, config.shard, config.targets_at_once)
    return same and known.job == job and look(known.files) == known.stamp and not known.outdated


def _files(scan: PreparedScan) -> Iterator[Path]:
    """The files that a scan was made from, secrets among them."""
    options, tls = scan.options, scan.policy.tls
    named = (
        *options.sources,
        *options.exclude_files,
        options.auths_file,
        options.proxies_file,
        options.pins_file,
        tls.ca_file,
        str(scan.spec.path or ""),
        scan.document.source,
    )
    yield from (path for text in named if text and (path := Path(text)).is_file())
    if scan.spec.path is not None:
        yield from _secret_files(scan.spec.auths.values(), scan.spec.path.parent)
    if options.auths_file is not None:
        yield from _secret_files(
            load_auths(options.auths_file).auths.values(), Path(options.auths_file).parent
        )


def _secret_files(auths: Iterable[AuthModel], home: Path) -> Iterator[Path]:
    for auth in auths:
        yield from _referred((auth.username, auth.password, auth.token, *auth.schemes.values()), home)


def _referred(references: Iterable[str | None], home: Path) -> Iterator[Path]:
    """The files among references to secrets."""
    for reference in references:
        if reference is not None and reference.startswith("file:"):
            yield home / Path(reference[5:]).expanduser()


def look(files: Iterable[Path]) -> Stamp:
    """How files look now; one that is not there has zeros."""
    stamps = []
    for path in files:
        try:
            seen = path.stat()
            stamps.append((str(path), seen.st_ino, seen.st_size, seen.st_mtime_ns))
        except OSError:
            stamps.append((str(path), 0, 0, 0))
    return tuple(stamps)


def _of_job(error: PlacedError, config: ServiceConfig, name: str) -> PlacedError:
    """An error that says which job it is of; one without a place of its own gets the job's."""
    if error.file is not None:
        place = f"job {name!r} of {config.path.name} names it"
        error.hint = f"{error.hint}\n  {place}" if error.hint else place
        return error
    line, column = locate(config.path.read_bytes(), ("jobs", name))
    message = f"jobs.{name}: {error.message}"
    return type(error)(message, file=str(config.path), line=line, column=column, hint=error.hint)


def _nobody(prompt: str) -> str:
    raise UsageError(
        f"{prompt.strip().rstrip(':')}: a service has nobody to ask: name the secret as env:NAME or file:PATH"
    )


def _ignored(_error: InventoryError) -> None:
    """Bad lines were said when the inventory was surveyed."""
