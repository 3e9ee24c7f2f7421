"""`/healthz` and `/metrics`."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from appliance.web.context import Metric, Readiness
from appliance.web.metrics import exposition
from tests.unit.web.fakebox import FakeBox, call_view
from tests.unit.web.helpers import API, Client, bearer


async def test_healthz_says_whether_calls_can_be_made(client: Client, box: FakeBox) -> None:
    response = await client.get("/healthz")
    assert response.status == 200 and await response.json() == {"ready": True, "why": []}
    box.ready = Readiness(ready=False, why=("the media process is not there",))
    response = await client.get("/healthz")
    assert response.status == 503
    assert await response.json() == {"ready": False, "why": ["the media process is not there"]}
    assert (await client.head("/healthz")).status == 503


async def test_metrics_are_what_prometheus_reads(client: Client, box: FakeBox) -> None:
    box.exchange.live = {"c1": call_view("c1"), "c2": call_view("c2")}
    await client.get(f"{API}/calls")
    await client.get(f"{API}/calls", headers=bearer("admin"))
    response = await client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = await response.text()
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples[("hako_calls", ("kind", "inbound"), ("state", "talking"))] == 2
    assert samples[("hako_agents", ("state", "idle"))] == 2
    assert samples[("hako_queue_waiting", ("queue", "support"))] == 1
    assert samples[("hako_queue_longest_wait_seconds", ("queue", "support"))] == 3.5
    assert samples[("hako_trunk_up", ("trunk", "carrier"))] == 1
    assert samples[("hako_phones_registered",)] == 1
    assert samples[("hako_calls_started_total", ("kind", 'in"bound\\\n'))] == 3
    assert samples[("hako_web_answers_total", ("status", "200"))] == 1
    assert samples[("hako_web_answers_total", ("status", "401"))] == 1
    assert samples[("hako_ready",)] == 1


def test_a_family_comes_once_and_large_numbers_whole() -> None:
    family = Metric("a_total", "counter", "Back\\slash\nand line.", [({}, 123456789012)])
    text = exposition([family, family])
    assert text == "# HELP a_total Back\\\\slash\\nand line.\n# TYPE a_total counter\na_total 123456789012\n"
