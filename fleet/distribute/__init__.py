"""One scan in many processes: shards that run anywhere, their runs made one again; and worker processes."""

from fleet.distribute.job import Job, JobResult, run_jobs, shard_jobs
from fleet.distribute.merge import Merged, merge
from fleet.distribute.workers import worker_processes

__all__ = ["Job", "JobResult", "Merged", "merge", "run_jobs", "shard_jobs", "worker_processes"]
