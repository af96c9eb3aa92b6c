"""Samples, orders and canaries: the same every time, whatever the order of the inventory."""

from __future__ import annotations

import random
from itertools import chain
from pathlib import Path

import pytest

from fleet.errors import UsageError
from fleet.inventory import InventoryOptions, Sample, Shard, Spread, read_targets
from fleet.inventory.order import shuffled
from fleet.target import Target


def ids(*sources: str, **options: object) -> list[str]:
    return [
        target.id for target in read_targets(sources, options=InventoryOptions(**options), report=pytest.fail)
    ]


FLEET = "h[0001-2000].example"
ALL = ids(FLEET)


@pytest.mark.parametrize("text", ["1%", "0.5%", "100%", "7", "100000"])
def test_a_sample_is_written_as_it_is_read(text: str) -> None:
    assert str(Sample.parse(text)) == text


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "x", "-1", "1.5", "100001", "1e3"])
def test_what_is_no_sample_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--sample"):
        Sample.parse(text)


@pytest.mark.parametrize("text", ["10%", "200"])
def test_a_sample_depends_on_ids_alone(text: str, tmp_path: Path) -> None:
    sample = Sample.parse(text)
    chosen = ids(FLEET, sample=sample)
    lines = ALL.copy()
    random.Random(1).shuffle(lines)
    other = tmp_path / "hosts.txt"
    other.write_text("\n".join(lines), encoding="utf-8")
    assert sorted(ids(str(other), sample=sample)) == chosen
    assert 150 <= len(chosen) <= 250
    assert ids(FLEET, sample=sample, seed=1) != chosen


def test_a_larger_sample_holds_every_smaller_one() -> None:
    for small, large in (("1%", "5%"), ("20", "100")):
        assert set(ids(FLEET, sample=Sample.parse(small))) < set(ids(FLEET, sample=Sample.parse(large)))


def test_a_sample_is_the_sum_of_its_shards_and_no_shard_is_left_out() -> None:
    sample = Sample.parse("10%")
    parts = [ids(FLEET, sample=sample, shard=Shard(index, 4)) for index in range(4)]
    assert all(len(part) > 20 for part in parts)
    assert sorted(chain(*parts)) == ids(FLEET, sample=sample)


def test_the_limit_is_of_the_sample_and_the_counts_say_what_was_passed_over() -> None:
    options = InventoryOptions(sample=Sample.parse("50%"), limit=10)
    targets = read_targets([FLEET], options=options, report=pytest.fail)
    assert len(list(targets)) == 10
    assert targets.counts.targets == 10
    assert 0 < targets.counts.unsampled < 40


def shuffle(held: int, seed: int = 0) -> list[str]:
    return [each.id for each in shuffled(read_targets([FLEET], report=pytest.fail), seed, held=held)]


@pytest.mark.parametrize("held", [2000, 1999, 10], ids=["just", "just not", "disk"])
def test_an_order_is_the_same_in_memory_and_on_disk(held: int) -> None:
    expected = ids(FLEET, shuffle=True)
    assert shuffle(held) == expected
    assert sorted(expected) == ALL
    assert expected != ALL
    assert shuffle(held, seed=1) != expected


def test_an_order_mixes_the_whole_inventory() -> None:
    quarters = [ALL.index(identity) // 500 for identity in ids(FLEET, shuffle=True)[:100]]
    assert all(15 <= quarters.count(quarter) <= 35 for quarter in range(4))


def test_what_a_target_has_survives_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "hosts.txt"
    file.write_text("h1 id=one auth=lab proxy=jump site='a b'\nh2\nh3 rack=7\n", encoding="utf-8")
    plain = list(read_targets([str(file)], report=pytest.fail))
    mixed = shuffled(iter(plain), 0, held=1)
    assert sorted(mixed, key=lambda target: target.origin) == plain


def target(number: int, **labels: str) -> Target:
    return Target(f"h{number}", f"https://h{number}", labels)


def test_canaries_stand_for_every_site_as_far_as_they_go() -> None:
    spread = Spread(5)
    for number in range(1000):
        site = "abcd"[number % 100 // 34] if number else "d"
        spread.add(target(number, site=site, serial=str(number)))
    chosen = spread.chosen()
    assert len(chosen) == 5
    assert "h0" in chosen  # the only one of its site
    assert {"abcd"[int(name[1:]) % 100 // 34] for name in chosen - {"h0"}} == {"a", "b", "c"}


def test_canaries_are_the_same_whatever_the_order() -> None:
    targets = [target(number, site=str(number % 7)) for number in range(500)]
    one, other = Spread(20), Spread(20)
    for each in targets:
        one.add(each)
    for each in reversed(targets):
        other.add(each)
    assert one.chosen() == other.chosen()
    assert len(one.chosen()) == 20


def test_fewer_targets_than_canaries_are_all_canaries() -> None:
    spread = Spread(5)
    for number in range(3):
        spread.add(target(number))
    assert spread.chosen() == {"h0", "h1", "h2"}
