"""`eval-pipeline review`: people, their terms and their tokens, from the command line."""

import json

from eval_pipeline.adapters.review.credentials import token_parts


def rows(world, *command: str) -> list[dict]:
    return json.loads(world.run("review", *command, "--json").out)


def test_a_token_is_printed_once_and_alone(fresh_world):
    assert fresh_world.run("review", "add-reviewer", "dora", "--admin", "--budget", "30").code == 0
    made = fresh_world.run(
        "review", "token", "dora", "--days", "7", "--note", "for jane@example.com"
    )
    token_id, _ = token_parts(made.out.strip())
    assert made.out.count("\n") == 1
    assert f"revoke-token {token_id}" in made.err
    assert made.out.strip() not in made.err
    (kept,) = rows(fresh_world, "tokens")
    assert kept["token_id"] == token_id
    assert "jane@example.com" not in str(kept)
    assert token_id in fresh_world.run("review", "tokens", "--of", "dora").out
    with fresh_world.pipeline() as pipeline:
        person = pipeline.sign_in.bearer(made.out.strip(), at=pipeline.clock())
    assert (person.annotator_id, person.may_administer, person.weekly_budget) == ("dora", True, 30)
    assert "revoked" in fresh_world.run("review", "revoke-token", token_id).out
    assert "no such active token" in fresh_world.run("review", "revoke-token", token_id).out
    assert [one["action"] for one in rows(fresh_world, "audit", "--limit", "3")] == [
        "revoke_token", "issue_token", "add_annotator",
    ]  # fmt: skip


def test_terms_change_and_people_leave_and_come_back(fresh_world):
    def run(*command: str) -> str:
        return fresh_world.run("review", *command, "--by", "dana").out

    assert "added" in run("add-reviewer", "dora")
    assert "changed" in run("change-reviewer", "dora", "--adjudicator", "--budget", "5")
    assert "nothing to change" in run("change-reviewer", "dora", "--adjudicator")
    assert "changed" in run("change-reviewer", "dora", "--policy-budget")
    assert "removed" in run("remove-reviewer", "dora", "--reason", "careless")
    (dora,) = rows(fresh_world, "reviewers")
    assert (dora["may_adjudicate"], dora["weekly_budget"]) == (True, None)
    assert dora["left_at"] is not None
    again = fresh_world.run("review", "token", "dora")
    assert (again.code, again.out) == (1, "")
    assert "left the desk" in again.err
    assert "changed" in run("change-reviewer", "dora", "--back", "--no-adjudicator")
    (dora,) = rows(fresh_world, "reviewers")
    assert (dora["may_adjudicate"], dora["left_at"]) == (False, None)
    assert {one["actor"] for one in rows(fresh_world, "audit")} == {"dana"}


def test_a_name_with_markup_is_shown_as_it_is(fresh_world):
    name = "[red]dora[/] <script>"
    assert name in fresh_world.run("review", "add-reviewer", name).out
    assert "[red]dora[/]" in fresh_world.run("review", "reviewers").out
    refused = fresh_world.run("review", "add-reviewer", "do\x1b[31mra")
    assert refused.code == 1
    assert "\x1b[31m" not in refused.err
