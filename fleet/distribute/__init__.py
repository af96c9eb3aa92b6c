"""One scan as many jobs: shards that run anywhere, and their runs made one again."""

from fleet.distribute.job import Job, JobResult, run_jobs, shard_jobs
from fleet.distribute.merge import Merged, merge

__all__ = ["Job", "JobResult", "Merged", "merge", "run_jobs", "shard_jobs"]
