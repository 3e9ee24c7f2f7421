"""Sites written, compared and made up."""

from __future__ import annotations

import itertools
import random
import tomllib

import msgspec
import pytest

from appliance.clock import Entropy
from appliance.site.diff import diff
from appliance.site.model import Destination, Queue, Site
from appliance.site.reader import load, read, read_document
from appliance.site.sample import pin, sample, word
from appliance.site.writer import document, write


def entropy(seed: int) -> Entropy:
    return random.Random(seed).randbytes


def hashed(plain: str, _present: str) -> str:
    return f"$argon2:{plain}"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_sample_is_right_and_not_even_warned_of(language: str) -> None:
    for seed in range(20):
        reading = read_document(sample(entropy(seed), language).document)
        assert reading.errors == () and reading.warnings == (), seed
        assert reading.site is not None and reading.site.site.language == language


def test_two_boxes_share_no_secret() -> None:
    one, other = sample(entropy(1)), sample(entropy(2))
    first = {*one.users.values(), *one.phones.values()}
    assert len(first) == len(one.users) + len(one.phones)
    assert not first & {*other.users.values(), *other.phones.values()}


def test_made_up_words_and_pins() -> None:
    stuck = itertools.chain([bytes([255] * 64)], (bytes([0, 1, 2, 3] * 16) for _ in itertools.count()))
    assert len(word(lambda count: next(stuck)[:count], 12)) == 12
    assert all(len(set(pin(entropy(seed)))) > 1 for seed in range(50))


def test_a_written_site_reads_back_the_same() -> None:
    site = load(write(read_document(sample(entropy(3)).document, None, hashed).site or Site(), secrets=True))
    assert load(write(site, secrets=True)) == site
    assert read_document(document(site, secrets=True)).site == site


def test_secrets_are_written_only_when_asked_for() -> None:
    made = sample(entropy(4))
    site = read_document(made.document, None, hashed).site
    assert site is not None
    assert made.phones["201"] not in write(site)
    assert made.phones["201"] in write(site, secrets=True)
    assert "password_hash" in write(site)
    assert read(write(site), site).site == site


def test_text_that_needs_quoting_survives() -> None:
    text = 'He said "no"\\ — 箱\nand left'
    site = Site(queues=(Queue(id="q", name=text),))
    assert tomllib.loads(write(site))["queues"][0]["name"] == text
    assert read(write(site)).site == site


def test_a_difference_is_told_in_the_words_of_the_site_file() -> None:
    site = read_document(sample(entropy(5)).document, None, hashed).site
    assert site is not None
    queue = msgspec.structs.replace(site.queues[0], ring_seconds=15, overflow=Destination(kind="hangup"))
    changed = msgspec.structs.replace(
        site,
        queues=(queue,),
        extensions=(msgspec.structs.replace(site.extensions[0], password="new secret"), *site.extensions[2:]),
        routes=tuple(reversed(site.routes)),
    )
    assert diff(site, changed) == (
        "extension 202: removed (Desk 2)",
        "extension 201: password changed",
        "queue support: ring_seconds 20 → 15",
        'queue support: overflow "announcement:busy" → "hangup"',
        "routes: order is now 0120XXXXXX, 0X0XXXXXXXX, 0XXXXXXXXX",
    )
    assert diff(site, site) == ()


def test_a_difference_shows_no_secret() -> None:
    site = read_document(sample(entropy(6)).document, None, hashed).site
    assert site is not None
    lines = "\n".join(diff(Site(), site) + diff(site, Site()))
    assert not any(secret in lines for secret in (*sample(entropy(6)).phones.values(), "$argon2"))
