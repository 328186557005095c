"""Planted secrets: whatever fails, and however loudly the other side echoes, none is written down.

Every byte below the world and below the folder for temporary files is searched, in every spelling
that `tests.planted_secrets` knows, and so is everything that commands print.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from eval_pipeline.flows.wiring import Pipeline
from tests import planted_secrets as planted
from tests.desk_world import desk_world
from tests.echoing import Echo, echoing
from tests.planted_secrets import found_in, found_in_text
from tests.scenario import NEXT_WEEK, Ended, World
from tests.sizes import sized

CHANNEL = {"least_severity": "info", "attempts": 1, "timeout_seconds": 5}
CHANNELS = {
    "slack": {"kind": "slack", "webhook_variable": planted.WEBHOOK_VARIABLE, **CHANNEL},
    "hub": {
        "kind": "webhook",
        "url_variable": planted.WEBHOOK_VARIABLE,
        "secret_variable": planted.SIGNING_VARIABLE,
        **CHANNEL,
    },
    "mail": {
        "kind": "email",
        "host": "127.0.0.1",
        "port": 9,
        "security": "none",
        "username": "evals",
        "password_variable": planted.MAIL_VARIABLE,
        "from": "evals@shop.example",
        "to": ["team@shop.example"],
        **CHANNEL,
    },
}


@dataclass
class Story:
    """A world whose environment is full of secrets, and all that its commands said."""

    world: World
    temporary: Path
    echo: Echo
    s3: Echo
    said: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, **variables: str) -> Ended:
        ended = self.world.run(*arguments, **variables)
        self.said[f"{len(self.said)} {' '.join(arguments)}"] = ended.out + ended.err
        return ended

    @property
    def s3_environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.s3.url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "eu-1"}

    def assert_silent(self) -> None:
        """Nothing printed, nothing at rest."""
        for what, text in self.said.items():
            assert found_in_text(text) == [], what
        assert found_in(self.world.folder) == []
        assert found_in(self.temporary) == []


@pytest.fixture
def story(world, tmp_path, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    refused = Echo(status=403, content_type="application/xml")
    with echoing(Echo()) as echo, echoing(refused) as s3:
        secrets = planted.environment(webhook_host=f"127.0.0.1:{echo.port}")
        full = World(world.folder, {**secrets, "TMPDIR": str(temporary)})

        def plant(tree):
            tree["providers"]["pharmacy-cloud"].update(
                key_variable=planted.PROVIDER_VARIABLE,
                header_variables={"X-Tenant": planted.HEADER_VARIABLE},
            )
            tree["alerts"] = {"channels": CHANNELS}

        full.configure(plant)
        yield Story(full, temporary, echo, s3)


def test_a_whole_week_with_keys_set_leaves_none_of_them(story):
    assert story.run("refresh", "--week", NEXT_WEEK).code == 0
    story.run("doctor")
    story.run("catalogue")
    story.assert_silent()


def test_channels_that_refuse_and_echo_leave_no_secret(story):
    assert story.run("alerts", "send").code == 0
    assert story.run("alerts", "test").code == 1
    story.run("alerts", "list", "--json")
    assert len(story.echo.heads) >= 4
    assert any("x-eval-pipeline-signature" in head for head in story.echo.heads)
    story.assert_silent()


@pytest.mark.parametrize("status", (401, 400, 500)[: sized(1, full=3)])
def test_a_provider_that_echoes_the_key_it_refuses_leaves_no_secret(story, status):
    story.echo.status = status
    story.world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(
            base_url=f"{story.echo.url}/v1", maximum_attempts=2, maximum_wait_seconds=0.01
        )
    )
    story.run("doctor")
    assert story.run("refresh", "--week", NEXT_WEEK).code == 1
    sent = [head for head in story.echo.heads if "authorization" in head]
    assert planted.SECRETS["provider key"] in str(sent)
    assert planted.SECRETS["provider header"] in str(sent)
    story.assert_silent()


@pytest.mark.parametrize("written", ["by variable", "in the file"])
def test_a_store_that_is_down_is_told_without_its_password(story, written):
    url = story.world.variables[planted.STORE_VARIABLE]
    store = f"env:{planted.STORE_VARIABLE}" if written == "by variable" else url
    story.world.configure(lambda tree: tree["storage"].update(store=store))
    for arguments in (("doctor",), ("refresh", "--week", NEXT_WEEK)):
        assert story.run(*arguments).code != 0
    if written == "in the file":
        # The configuration itself is the operator's, and holds it in plain sight.
        story.world.config.unlink()
    story.assert_silent()


def test_a_bucket_that_echoes_what_it_refuses_leaves_no_secret(story):
    story.world.configure(lambda tree: tree["storage"].update(lake="s3://bucket/lake"))
    assert story.run("golden", "list", **story.s3_environment).code == 1
    assert story.run("refresh", "--week", NEXT_WEEK, **story.s3_environment).code == 1
    told = next(iter(story.said.values()))
    assert "the store answers 403 AccessDenied" in told
    logs = "s3://bucket/week={week}/*.parquet"
    story.world.configure(lambda tree: tree["storage"].update(lake="lake"))
    story.world.configure(lambda tree: tree["logs"].update(path=logs))
    assert story.run("refresh", "--week", NEXT_WEEK, **story.s3_environment).code == 1
    assert planted.SECRETS["object store session"] in str(story.s3.heads)
    story.assert_silent()


def test_a_defect_deep_inside_is_told_without_what_its_frames_held(story, monkeypatch):
    def broken(pipeline, *_, **__):
        key, password = pipeline.key, planted.STORE_PASSWORD
        return {"key": key, "password": password}["nothing of this name"]

    monkeypatch.setattr(Pipeline, "logs", property(broken))
    with pytest.raises(KeyError):
        story.run("refresh", "--week", NEXT_WEEK)
    story.assert_silent()


def test_the_desk_writes_neither_tokens_nor_sessions_nor_form_tokens(tmp_path, caplog):
    caplog.set_level("DEBUG")
    with desk_world(tmp_path) as world:
        world.add_person("ann")
        world.open_tasks(3)
        app = world.app()
        visitor = world.visitor(app, "ann")
        lease, csrf = visitor.lease()
        visitor.client.post(f"/leases/{lease}/answer", data={"label": "pass", "csrf": csrf})
        world.caller(app, "ann").get("/me")
        visitor.client.post("/sign-in", data={"token": f"{world.tokens['ann']}x"})
        (session,) = set(visitor.client.cookies.values())
        secrets = {
            "token": world.tokens["ann"],
            "token's secret": world.tokens["ann"].rsplit("_", 1)[-1],
            "session": session,
            "form token": csrf,
        }
        assert found_in(tmp_path, also=secrets) == []
        assert found_in_text(caplog.text, also=secrets) == []
