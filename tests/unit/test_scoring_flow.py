"""Which scorer a response goes to, and what it costs."""

import dataclasses
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from eval_pipeline.flows.scoring import deciding_scorer, score_by, score_responses
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ScoreRequest
from eval_pipeline.settings import (
    CodeScoring,
    ExactScoring,
    FieldsScoring,
    JsonSchemaScoring,
    PanelScoring,
    RegexScoring,
    SimilarityScoring,
)
from eval_pipeline.settings_file import Project, load_project

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"
SCOPE = "candidate:x"


class Judges:
    """Says pass to every call and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[ModelCall] = []

    def run(self, calls, *, purpose):
        del purpose
        self.asked += calls
        met = [{"criterion": n, "rationale": "seen", "level": "met"} for n in (1, 2, 3)]
        text = json.dumps({"criteria": met, "rationale": "it is right", "verdict": "pass"})
        return [
            CallOutcome(call, "answered", text, None, "m", "m", None, "stop", 1, 1, 0.0, 0.1, 1)
            for call in calls
        ]


def pipeline_with(*scorers) -> tuple[Pipeline, Judges]:
    project = load_project(CONFIG)
    changed = project.settings.model_copy(
        update={"scoring": {**project.settings.scoring, "orders": scorers}}
    )
    pipeline, judges = Pipeline(Project(changed, CONFIG)), Judges()
    pipeline.__dict__["runner"] = judges
    return pipeline, judges


def request(response: str, reference: str | None) -> ScoreRequest:
    return ScoreRequest("i", 1, "orders", (Message("user", "Where?"),), response, reference)


def test_the_panel_is_asked_only_of_what_the_first_scorer_has_no_reference_for():
    pipeline, judges = pipeline_with(ExactScoring(), PanelScoring(name="tone"))
    asked = [request("a", "a"), request("b", "a"), request("c", None)]
    scores = score_responses(pipeline, asked, scope=SCOPE)
    assert [(each.value, each.scorer) for each in scores] == [
        (1.0, "exact"), (0.0, "exact"), (1.0, "panel"),
    ]  # fmt: skip
    assert len(judges.asked) == len(pipeline.settings.judges)
    assert {call.scope for call in judges.asked} == {SCOPE}


def test_the_deciding_dimension_of_an_item_without_reference_is_the_route_s_own_panel():
    pipeline, _ = pipeline_with(ExactScoring(), PanelScoring(name="tone"))
    assert deciding_scorer(pipeline, request("c", None)).dimensions == ("tone",)
    pipeline, _ = pipeline_with(ExactScoring())
    assert deciding_scorer(pipeline, request("c", None)).dimensions == ("panel",)
    graceful = dataclasses.replace(request("c", "c"), expected_behaviour="graceful_failure")
    assert deciding_scorer(pipeline, graceful).dimensions == ("panel",)


@pytest.mark.parametrize(
    "scoring",
    [JsonSchemaScoring(schema={"type": "object"}), RegexScoring(pattern="{", expect="match")],
    ids=lambda scoring: scoring.scorer,
)
def test_what_needs_no_reference_asks_no_judge(scoring):
    pipeline, judges = pipeline_with(scoring)
    assert score_responses(pipeline, [request("{}", None)], scope=SCOPE)[0].value == 1.0
    assert judges.asked == []


def test_the_first_measure_of_a_scorer_of_sets_decides():
    pipeline, _ = pipeline_with(FieldsScoring(measures=("recall", "precision")))
    (score,) = score_responses(pipeline, [request('{"a": 1, "b": 2}', '{"a": 1}')], scope=SCOPE)
    assert (score.value, score.scorer) == (1.0, "fields.recall")


def test_a_sandbox_is_not_given_what_it_has_no_reference_for():
    script = "import sys; print('{\"score\": 1}')"
    scoring = CodeScoring(command=(sys.executable, "-c", script), with_reference_only=True)
    pipeline, judges = pipeline_with(scoring)
    found = score_by(pipeline, [request("a", None), request("a", "a")], scoring, scope=SCOPE)
    assert [(each.value, each.error) for each in found["code"]] == [
        (None, "no_reference"), (1.0, None),
    ]  # fmt: skip
    assert judges.asked == []


class Vectors(BaseHTTPRequestHandler):
    """An embeddings endpoint: a text that begins with 'a' points one way, any other across it."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        data = [
            {"index": place, "embedding": [1.0, 0.0] if text.startswith("a") else [0.0, 1.0]}
            for place, text in enumerate(asked["input"])
        ]
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return


def test_similarity_by_a_provider_is_the_cosine_of_its_vectors():
    server = HTTPServer(("127.0.0.1", 0), Vectors)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    scoring = SimilarityScoring(provider="vectors", model="m")
    pipeline, _ = pipeline_with(scoring)
    provider = pipeline.settings.providers["pharmacy-cloud"].model_copy(
        update={"base_url": f"http://127.0.0.1:{server.server_port}/v1", "key_variable": None}
    )
    pipeline.project = Project(
        pipeline.settings.model_copy(update={"providers": {"vectors": provider}}), CONFIG
    )
    try:
        asked = [request("a one", "a two"), request("one", "a two"), request("one", None)]
        found = score_by(pipeline, asked, scoring, scope=SCOPE)["similarity"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [(each.value, each.error) for each in found] == [
        (1.0, None), (0.0, None), (None, "no_reference"),
    ]  # fmt: skip
