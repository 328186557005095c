"""The mirror before a provider: customers' answers are the provider's, whatever the candidate does.

Real processes and sockets on loopback: a baseline's provider, a candidate's, the mirror between.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import polars as pl
import pytest

from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.flows.erasure.forgetting import forget
from eval_pipeline.flows.shadow.live import fates_of, pairs_frame
from tests.loopback import Loopback, Step, completion
from tests.mirrors import PATH, RunningMirror, ask_at_once, serving
from tests.scenario import KEY, World, new_world, planted_strings_in

pytestmark = pytest.mark.slow

CANDIDATE = "mirrored"
MODEL = "pharma-large"
PLANTED = ("Bertrand Quillfeather", "quill@feather.example", "+49 170 5550123", "user-quill-77")


def body(text: str, **fields: object) -> dict[str, object]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}


def echo(delay: float = 0.0):
    return lambda prompt, nth: Step(text=f"You said: {prompt}", delay=delay)


@dataclass
class Place:
    world: World
    baseline: Loopback
    candidate: Loopback
    log: Path

    @contextmanager
    def mirror(self, *options: str) -> Iterator[RunningMirror]:
        with serving(self.world, self.log, *options, candidate=CANDIDATE) as running:
            yield running

    def pairs(self) -> pl.DataFrame:
        with self.world.pipeline() as pipeline:
            return pairs_frame(pipeline, CANDIDATE)

    def fates(self) -> dict[str, int]:
        with self.world.pipeline() as pipeline:
            return fates_of(pipeline, CANDIDATE)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Loopback(echo()) as baseline, Loopback(echo()) as candidate:
        world = new_world(tmp_path / "world", provider_url=f"http://127.0.0.1:{baseline.port}/v1")
        here = Place(world, baseline, candidate, tmp_path / "mirror.log")

        def point(tree):
            tree["providers"]["elsewhere"] = {"base_url": f"http://127.0.0.1:{candidate.port}/v1"}
            tree["shadow"] = {"flush_seconds": 0.2, "share": 1.0}

        world.configure(point)
        (world.folder / "candidates" / f"{CANDIDATE}.yaml").write_text(
            "provider: elsewhere\nmodel: better\nprompt: Be kind.\n"
            "usd_per_million_input_tokens: 100\nusd_per_million_output_tokens: 100\n"
        )
        yield here


def accounted(fates: dict[str, int]) -> bool:
    """Every request that came has one fate."""
    return fates["received"] == sum(fates.values()) - fates["received"]


def test_an_answer_is_the_provider_s_byte_for_byte_and_the_candidate_is_asked_beside_it(place):
    asked = body("Is it open?", tools=[], something_new={"a": 1}, user="u-1")
    with place.mirror() as mirror:
        direct = httpx.post(f"http://127.0.0.1:{place.baseline.port}{PATH}", json=asked, timeout=10)
        through = mirror.ask(asked, **{"x-route": "store_hours", "authorization": "Bearer mine"})
        fates = mirror.settled("recorded", 1)
        mirror.stop()
    assert (through.status_code, through.content) == (direct.status_code, direct.content)
    assert through.headers["content-type"] == direct.headers["content-type"]
    # What the customer's application signs in with is the mirror's business and no provider's.
    assert place.baseline.authorizations == {""}
    assert fates == {"received": 1, "recorded": 1}
    before, after = place.pairs().sort("arm").to_dicts()
    assert (before["arm"], after["arm"]) == ("baseline", "candidate")
    assert before["messages"] == [{"role": "user", "content": "Is it open?"}]
    assert before["response"] == after["response"] == "You said: Is it open?"
    assert (before["requested_model"], after["requested_model"]) == (MODEL, "better")
    assert (before["route"], before["prompt_use"]) == ("store_hours", "added")
    assert before["user_key"] == keyed_pseudonym(KEY.encode(), "user", "u-1")
    # 10 tokens in and 2 out at 100 USD a million each.
    assert after["cost_usd"] == pytest.approx(0.0012)


@pytest.mark.parametrize("treatment", ["hang", "refuse"])
def test_600_requests_are_answered_unchanged_while_the_candidate_hangs_or_fails(place, treatment):
    """A customer who waited for a candidate that hangs would have no answer; see `bench-shadow`."""
    step = Step(ending="hang") if treatment == "hang" else Step(500, body=b"{}")
    place.candidate.treat = lambda prompt, nth: step
    bodies = [body(f"question {number}") for number in range(600)]
    with place.mirror("--maximum-in-flight", "4") as mirror:
        told = ask_at_once(f"{mirror.url}{PATH}", bodies, at_once=200)
        hanging = place.candidate.at_once
        mirror.stop()
    assert [(status, content) for status, content, _ in told] == [
        (200, completion(asked, Step(text=f"You said: {asked['messages'][0]['content']}")))
        for asked in bodies
    ]
    fates = place.fates()
    assert accounted(fates), fates
    assert fates["received"] == 600
    if treatment == "hang":
        # 4 were asked and hung when all 600 customers had their answers; the others found no room.
        assert (hanging, place.candidate.answered) == (4, 0)
        assert fates["queue_full"] >= 100
    else:
        failed = place.pairs().filter(pl.col("arm") == "candidate")
        assert set(failed["error_code"]) == {"server_error"}
        assert failed["response"].null_count() == failed.height > 0


def test_a_stream_passes_as_it_comes_and_is_recorded_whole(place):
    events = b"".join(
        b"data: " + json.dumps(each).encode() + b"\n\n"
        for each in (
            {"model": "m-1", "choices": [{"index": 0, "delta": {"content": "Open "}}]},
            {"choices": [{"index": 0, "delta": {"content": "now."}, "finish_reason": "stop"}]},
        )
    ) + b"data: [DONE]\n\n"  # fmt: skip
    place.baseline.treat = lambda prompt, nth: Step(body=events, content_type="text/event-stream")
    with place.mirror() as mirror:
        told = mirror.ask(body("Is it open?", stream=True))
        mirror.settled("recorded", 1)
        mirror.stop()
    assert told.content == events
    assert told.headers["content-type"] == "text/event-stream"
    before = place.pairs().filter(pl.col("arm") == "baseline").row(0, named=True)
    assert (before["response"], before["streamed"], before["cost_usd"]) == ("Open now.", True, None)


def test_a_provider_s_failure_is_passed_on_and_one_that_is_gone_is_told_in_words(place):
    place.baseline.treat = lambda prompt, nth: Step(
        429, body=b'{"error": {"message": "slow down"}}', headers=("retry-after: 7",)
    )
    with place.mirror() as mirror:
        told = mirror.ask(body("one"))
        assert (told.status_code, told.headers["retry-after"]) == (429, "7")
        assert told.json() == {"error": {"message": "slow down"}}
        place.baseline.treat = lambda prompt, nth: Step(ending="reset")
        gone = mirror.ask(body("two"))
        assert (gone.status_code, gone.json()["error"]["code"]) == (502, "upstream_unreachable")
        place.baseline.treat = lambda prompt, nth: Step(ending="half")
        with pytest.raises(httpx.RemoteProtocolError):  # never made to look whole
            mirror.ask(body("three"))
        fates = mirror.settled("recorded", 1)
        mirror.stop()
    assert fates == {"received": 3, "recorded": 1, "forward_failed": 2}
    assert "Traceback" not in mirror.log.read_text()


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{not json", {}, 400, "invalid_json"),
        (b"[" * 100_000, {}, 400, "invalid_json"),
        (b"\xff\xfe", {}, 400, "invalid_json"),
        (b"[]", {}, 400, "invalid_json"),
        (b"{}", {}, 400, "missing_model"),
        (b'{"model": 7}', {}, 400, "missing_model"),
        (b'{"model": "gpt-quill@feather.example"}', {}, 404, "model_not_found"),
        (b"x" * (3 * 2**20), {}, 413, "request_too_large"),
        (b"{}", {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"origin": "https://elsewhere.example"}, 403, "origin_not_allowed"),
    ],
)
def test_hostile_requests_are_refused_in_words_that_quote_nothing(
    refusing, content, headers, status, code
):
    told = httpx.post(
        f"{refusing.url}{PATH}",
        content=content,
        headers={"content-type": "application/json", **headers},
        timeout=30,
    )
    assert (told.status_code, told.json()["error"]["code"]) == (status, code)
    assert "quill" not in told.text


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMirror]:
    folder = tmp_path_factory.mktemp("refusing")
    world = new_world(folder / "world", provider_url="http://127.0.0.1:9/v1")
    with serving(world, folder / "log", candidate="steady") as running:
        yield running
        assert running.fates()["refused"] == running.fates()["received"]
        running.stop()
        assert "Traceback" not in running.log.read_text()


def test_other_addresses_and_methods_are_refused_and_health_is_told(refusing):
    assert httpx.get(f"{refusing.url}{PATH}", timeout=10).status_code == 405
    assert httpx.get(f"{refusing.url}/v1/models", timeout=10).json()["error"]["code"] == (
        "unknown_url"
    )
    assert httpx.get(f"{refusing.url}/health", timeout=10).json() == {"status": "ok"}
    assert httpx.get(f"{refusing.url}/ready", timeout=10).json()["candidate"] == "steady"


def test_a_token_is_asked_for_where_one_is_configured_and_is_never_passed_on(place):
    place.world.configure(lambda tree: tree["shadow"].update(token_variable="MIRROR_TOKEN"))
    world = World(place.world.folder, {"MIRROR_TOKEN": "sesame"})
    with serving(world, place.log, candidate=CANDIDATE) as mirror:
        for given in ("Bearer wrong", "Bearer sesam\xe9", "sesame"):
            told = httpx.post(
                f"{mirror.url}{PATH}",
                json=body("one"),
                headers={"authorization": given.encode("latin-1")},  # type: ignore[dict-item]
                timeout=10,
            )
            assert (told.status_code, told.json()["error"]["code"]) == (401, "invalid_api_key")
        assert mirror.ask(body("two"), authorization="Bearer sesame").status_code == 200
        mirror.stop()
    assert place.baseline.authorizations == {""}
    assert "sesame" not in place.log.read_text()


def test_a_mirror_without_a_token_listens_on_this_machine_alone(place):
    told = place.world.run("shadow", "serve", "--candidate", CANDIDATE, "--host", "0.0.0.0")
    assert told.code == 1
    assert "shadow.token_variable" in told.err


def test_money_that_is_spent_stops_the_mirror_and_no_customer(place):
    # A reply costs 0.0012 USD; its estimate, with max_tokens of 2, some 0.003 to 0.006.
    with place.mirror("--maximum-usd", "0.01", "--maximum-in-flight", "1") as mirror:
        for number in range(12):
            asked = body(f"question {number}", max_tokens=2)
            assert mirror.ask(asked).status_code == 200
        mirror.settled("budget_spent", 1)
        mirror.stop()
    fates = place.fates()
    assert accounted(fates), fates
    assert place.pairs().filter(pl.col("arm") == "candidate")["cost_usd"].sum() <= 0.01
    assert fates["recorded"] >= 2
    with place.mirror("--maximum-usd", "0.002") as again:  # what was spent before counts
        again.ask(body("one more"))
        again.settled("budget_spent", 1)
        again.stop()


def test_no_planted_string_rests_on_disk_or_in_the_log(place, tmp_path):
    name, email, phone, user = PLANTED
    place.baseline.treat = lambda prompt, nth: Step(text=f"Dear {name}, we wrote to {email}.")
    place.candidate.treat = lambda prompt, nth: Step(text=f"Call {phone}.")
    with place.mirror() as mirror:
        for number in range(20):
            asked = body(f"I am Mr {name}, {email}, {phone}, case {number}", user=user)
            mirror.ask(asked, **{"x-conversation-id": f"{user}-{number}"})
        picture = {"role": "user", "content": [{"type": "image_url", "x": email}]}
        last = {"role": "user", "content": "What is it?"}
        mirror.ask({"model": MODEL, "messages": [picture, last]})
        broken = httpx.post(
            f"{mirror.url}{PATH}?email={email}",
            content=f'{{"model": "{email}", '.encode(),
            headers={"content-type": "application/json", "x-route": email},
            timeout=10,
        )
        assert broken.status_code == 400
        fates = mirror.settled("recorded", 20)
        mirror.stop()
    assert fates["not_mirrorable"] == 1
    assert place.pairs().height == 40
    resting = [path for path in place.world.folder.iterdir() if path != place.world.logs]
    assert planted_strings_in([*resting, place.log], PLANTED, scratch=tmp_path) == []


def test_a_kill_leaves_whole_segments_and_no_pair_twice(place):
    bodies = [body(f"question {number}") for number in range(400)]
    with place.mirror() as mirror:
        url = f"{mirror.url}{PATH}"
        asking = threading.Thread(target=_ask_until_killed, args=(url, bodies))
        asking.start()
        mirror.settled("recorded", 40)
        mirror.kill()
        asking.join(60)
    kept = place.pairs()
    assert kept.height >= 80
    assert kept.select("pair_id", "arm").n_unique() == kept.height
    assert set(kept.group_by("pair_id").len()["len"]) == {2}
    with place.mirror() as again:
        again.ask(body("after the kill"))
        again.settled("recorded", 1)
        again.stop()
    after = place.pairs()
    assert after.height == kept.height + 2
    assert after.select("pair_id", "arm").n_unique() == after.height


def _ask_until_killed(url: str, bodies: list[dict[str, object]]) -> None:
    try:
        ask_at_once(url, bodies, at_once=4)
    except httpx.HTTPError:
        return


def test_an_erased_person_is_gone_from_the_pairs_and_is_not_mirrored_again(place):
    with place.mirror() as mirror:
        mirror.ask(body("I lost my card ending in nothing at all", user="u-gone"))
        mirror.ask(body("Is it open?", user="u-stays"))
        mirror.settled("recorded", 2)
        with place.world.pipeline() as pipeline:
            gone = forget(pipeline, "u-gone", by="dana", reason="asked by letter")
        assert gone.clean
        assert gone.found["interactions"] == 1
        mirror.settled("recorded", 2)
        left = place.pairs()
        assert set(left["user_key"]) == {keyed_pseudonym(KEY.encode(), "user", "u-stays")}
        before = mirror.fates().get("suppressed", 0)
        time.sleep(0.6)  # the mirror reads who was erased as often as it writes
        assert mirror.ask(body("It is me again", user="u-gone")).status_code == 200
        fates = mirror.settled("suppressed", before + 1)
        mirror.stop()
    assert accounted(fates)
    assert place.pairs().height == left.height == 2
