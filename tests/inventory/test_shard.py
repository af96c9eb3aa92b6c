"""Every target belongs to exactly one shard, everywhere."""

from __future__ import annotations

import subprocess
import sys
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import InventoryError, UsageError
from fleet.inventory import InventoryOptions, Shard, read_targets

IDS = st.text(max_size=60)
COUNTS = st.integers(1, 50)


@given(IDS, COUNTS)
def test_a_target_is_in_exactly_one_shard(target: str, count: int) -> None:
    assert sum(Shard(index, count).holds(target) for index in range(count)) == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), COUNTS)
def test_the_part_is_what_its_docstring_says(target: str, count: int) -> None:
    number = int(blake2b(target.encode(), digest_size=8).hexdigest(), 16)
    assert Shard(number % count, count).holds(target)


@pytest.mark.parametrize(
    ("target", "shard"),  # computed by coreutils: printf %s TARGET | b2sum -l 64
    [("https://10.0.0.1", 857), ("bmc-17", 612)],
)
def test_parts_of_other_programs_are_the_same(target: str, shard: int) -> None:
    assert Shard(shard, 1000).holds(target)


def test_no_seed_of_a_process_changes_a_part() -> None:
    code = "from fleet.inventory import Shard\nprint([i for i in range(200) if Shard(1, 4).holds(f'h{i}')])"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert said != {b"[]\n"}


@given(COUNTS, st.data())
def test_what_is_written_reads_back(count: int, data: st.DataObject) -> None:
    shard = Shard(data.draw(st.integers(0, count - 1)), count)
    assert Shard.parse(str(shard)) == shard


def test_a_pod_of_a_stateful_set_is_called_by_its_part() -> None:
    assert Shard.parse("hostname/4", {"HOSTNAME": "fleet-serve-3"}) == Shard(3, 4)
    with pytest.raises(UsageError, match="count from 0"):
        Shard.parse("hostname/3", {"HOSTNAME": "fleet-3"})


@pytest.mark.parametrize("text", ["/8", "auto/8"])
def test_the_index_of_a_pod_is_understood(text: str) -> None:
    assert Shard.parse(text, {"JOB_COMPLETION_INDEX": "7"}) == Shard(7, 8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8/8", "count from 0"),
        ("0/0", "1 to 100,000"),
        ("0/100001", "1 to 100,000"),
        ("/8", "JOB_COMPLETION_INDEX"),
        ("hostname/2", "does not end with -NUMBER"),
        ("1-8", "I/N"),
        ("-1/8", "I/N"),
        ("\u0661/8", "I/N"),
        ("", "I/N"),
    ],
)
def test_what_is_no_part_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Shard.parse(text, {"HOSTNAME": "laptop"})


@given(st.sets(st.integers(0, 500), min_size=1), st.integers(1, 9), st.none() | st.integers(1, 40))
def test_the_parts_together_are_the_whole(numbers: set[int], count: int, limit: int | None) -> None:
    sources = [f"h{number}" for number in sorted(numbers)]

    def ids(shard: Shard | None) -> list[str]:
        options = InventoryOptions(limit=limit, shard=shard)
        return [target.id for target in read_targets(sources, options=options, report=refuse)]

    parts = [target for index in range(count) for target in ids(Shard(index, count))]
    assert sorted(parts) == sorted(ids(None))


def refuse(error: InventoryError) -> None:
    raise error
