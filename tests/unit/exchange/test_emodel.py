"""The E-model against the recommendation's own figures, and against what others have fitted to it."""

from __future__ import annotations

import itertools

import pytest

from appliance.exchange.emodel import CODECS, Connection, burst_ratio, mos, rating, score


def test_the_default_values_give_the_rating_that_the_recommendation_gives() -> None:
    """G.107 section 7.7: R = 93.2; annex B: MOS 4.41."""
    assert rating(Connection()) == pytest.approx(93.2, abs=0.01)
    assert mos(rating(Connection())) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("r", "expected"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_mos_of_a_rating_is_that_of_annex_b(r: float, expected: float) -> None:
    assert mos(r) == pytest.approx(expected, abs=0.01)


def test_mos_stays_on_its_scale() -> None:
    assert mos(-20) == 1.0 and mos(120) == 4.5 and all(1 <= mos(r / 10) <= 4.5 for r in range(-100, 1100))
    ratings = [mos(r) for r in range(7, 100)]
    assert all(one <= other for one, other in itertools.pairwise(ratings))


@pytest.mark.parametrize("delay", [0, 50, 100, 150, 177, 200, 250, 300])
def test_delay_costs_what_cole_and_rosenbluth_fitted(delay: int) -> None:
    """ "Voice over IP performance monitoring" (2001): Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3), for perfect echo
    cancellation as G.114 figure 1."""
    fitted = 93.2 - 0.024 * delay - 0.11 * max(0.0, delay - 177.3)
    assert rating(Connection(t=delay, tr=2 * delay, ta=delay)) == pytest.approx(fitted, abs=1.0)


def test_echo_costs_more_the_later_it_comes() -> None:
    ratings = [rating(Connection(telr=45, t=t, tr=2 * t, ta=t)) for t in (5, 25, 50, 100)]
    assert ratings == sorted(ratings, reverse=True) and ratings[0] - ratings[-1] > 20


@pytest.mark.parametrize(
    ("ppl", "bpl", "burst_r", "impairment"),
    [
        (0, 25.1, 1, 0),
        (1, 25.1, 1, 95 / 26.1),
        (5, 25.1, 1, 475 / 30.1),
        (2, 4.3, 1, 190 / 6.3),
        (2, 4.3, 2, 190 / 5.3),
    ],
)
def test_loss_costs_what_formula_7_30_says(ppl: float, bpl: float, burst_r: float, impairment: float) -> None:
    lossy = Connection(ppl=ppl, bpl=bpl, burst_r=burst_r)
    assert rating(Connection()) - rating(lossy) == pytest.approx(impairment, abs=0.001)


def test_a_burst_ratio_is_1_for_random_loss_and_more_in_bursts() -> None:
    """The two-state model: 10 % lost in runs of one packet on average is even, in runs of five it is not."""
    assert burst_ratio(1000, 100, 90) == pytest.approx(1.0)
    assert burst_ratio(1000, 100, 20) == pytest.approx(4.5)
    assert burst_ratio(0, 0, 0) == burst_ratio(100, 0, 0) == burst_ratio(10, 10, 1) == 1.0


@pytest.mark.parametrize("codec", [*CODECS, "pcma", "opus", "unheard-of", ""])
def test_every_codec_is_good_undisturbed_and_falls_with_loss_and_delay(codec: str) -> None:
    assert score(codec, loss=0, delay_ms=60) >= 4.3
    by_loss = [score(codec, loss=loss / 100, delay_ms=60) for loss in (0, 1, 3, 5, 10, 100)]
    by_delay = [score(codec, loss=0, delay_ms=delay) for delay in (20, 100, 200, 400, 1000)]
    for scores in (by_loss, by_delay):
        assert all(one > other for one, other in itertools.pairwise(scores))
    assert score(codec, loss=0.05, delay_ms=60, burst_r=3) < by_loss[3]
    assert score(codec, loss=7, delay_ms=-5) >= 1
