"""The replayed real data give the published figures, and the examples' configurations load."""

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable, Iterator
from statistics import median

import httpx
import polars as pl
import pytest

from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.demo.models import ChatModel
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.demo.replay import NOT_RECORDED, load_replay
from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.intake.sampling import ABOVE_ALL
from eval_pipeline.judging.prompts import pointwise_messages
from eval_pipeline.judging.rubrics import pointwise_for, rubrics_from
from eval_pipeline.ports import Message
from eval_pipeline.settings_file import Project, load_candidate, load_project
from eval_pipeline.truth.near_duplicates import instructions, normalised
from tests.real_data import DATA, ROOT, needs

real_data = needs("llmdrift")

# Published with the data: GPT-4, share of score 1 per task, March and June 2023.
PUBLISHED = {
    "prime": (1000, 0.840, 0.511),
    "opinionqa": (1506, 0.976, 0.234),
    "sensitiveq": (100, 0.21, 0.05),
}


@pytest.fixture(scope="module")
def project_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """An example's project, copied, with its placeholders put in."""

    def copied(example: str) -> Project:
        folder = tmp_path_factory.mktemp("run") / example
        shutil.copytree(ROOT / "examples" / example, folder)
        file = folder / "eval_pipeline.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("__REAL_DATA__", str(DATA)).replace("__PORT__", "8901"))
        return load_project(file)

    return copied


@pytest.fixture(scope="module")
def models() -> Iterator[Callable[[str], dict[str, ChatModel]]]:
    """An example's served models, loaded once."""
    loaded: dict[str, dict[str, ChatModel]] = {}

    def of(example: str) -> dict[str, ChatModel]:
        if example not in loaded:
            loaded[example] = load_replay(ROOT / "examples" / example / "replay.yaml")
        return loaded[example]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVAL_PIPELINE_REAL_DATA", str(DATA))
        yield of


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def verdict(model: ChatModel, project: Project, *, question: str, answer: str) -> str:
    prompt = pointwise_messages(
        pointwise_for(rubrics_from(project.settings.rubrics), "prime"),
        conversation=[Message("user", question)],
        response=answer,
    )
    messages = [{"role": message.role, "content": message.content} for message in prompt]
    return str(json.loads(model.answer(messages, epoch="2023-06").text)["verdict"])


@pytest.mark.parametrize("example", ["llmdrift", "real_log"])
def test_an_example_is_a_whole_configuration_and_its_models_are_served(
    example: str, project_of: Callable[[str], Project]
) -> None:
    project = project_of(example)
    served = (project.folder / "replay.yaml").read_text(encoding="utf-8")
    used = [*project.settings.judges.values(), *project.settings.systems.values()]
    for model in used:
        assert f"\n  {model.model}:" in served


def test_the_naive_candidate_is_a_candidate_file(project_of: Callable[[str], Project]) -> None:
    project = project_of("real_log")
    described = load_candidate(project.folder / "candidates" / "naive.yaml")
    assert described.system is not None
    assert described.system.provider in project.settings.providers


def the_whole(logs: LogSource, week: dt.date) -> pl.DataFrame:
    """Every interaction of the week, texts and all."""
    everything = pl.DataFrame({"stratum": logs.strata(week)["stratum"], "threshold": ABOVE_ALL})
    drawable = logs.drawable(week, thresholds=everything, salt="s")
    return logs.fetch(week, drawable["interaction_id"])


@pytest.mark.real_data
@real_data
def test_the_march_log_is_the_whole_benchmark_with_its_published_scores(
    project_of: Callable[[str], Project],
) -> None:
    project = project_of("llmdrift")
    logs = LogSource(project.settings.logs, locate=project.locate)
    march = dt.date(2023, 3, 20)
    assert logs.weeks_available() == [march]
    log = the_whole(logs, march)
    assert log["interaction_id"].n_unique() == log["conversation_id"].n_unique() == 2606
    shares = log.group_by("route").agg(pl.len(), pl.col("outcome").mean()).rows()
    for route, items, share in shares:
        # 840 of 1000, 1470 of 1506 (.976095...), 21 of 100.
        assert (items, round(share, 3)) == PUBLISHED[route][:2]


@pytest.mark.real_data
@real_data
def test_no_two_questions_of_the_march_log_are_duplicates_to_the_golden_set(
    project_of: Callable[[str], Project],
) -> None:
    project = project_of("llmdrift")
    logs = LogSource(project.settings.logs, locate=project.locate)
    march = dt.date(2023, 3, 20)
    asked = {
        (normalised(messages), instructions(messages))
        for messages in the_whole(logs, march)["messages"].to_list()
    }
    assert len(asked) == 2606


@pytest.mark.real_data
@real_data
def test_replayed_answers_judged_by_the_recorded_judge_give_the_published_figures(
    project_of: Callable[[str], Project], models: Callable[[str], dict[str, ChatModel]]
) -> None:
    project, served = project_of("llmdrift"), models("llmdrift")
    logs = LogSource(project.settings.logs, locate=project.locate)
    march = dt.date(2023, 3, 20)
    log = the_whole(logs, march)
    for epoch, model, place in (("2023-03", "gpt-4-0314", 1), ("2023-06", "gpt-4-0613", 2)):
        passes = dict.fromkeys(PUBLISHED, 0)
        for route, messages in log.select("route", "messages").iter_rows():
            answer = served["gpt-4"].answer(messages, epoch=epoch)
            assert answer.served_model == model
            question = messages[-1]["content"]
            said = verdict(
                served["published-scores"], project, question=question, answer=answer.text
            )
            assert said in {"pass", "fail"}
            passes[route] += said == "pass"
        for task, published in PUBLISHED.items():
            assert round(passes[task] / published[0], 3) == published[place]


@pytest.mark.slow
@pytest.mark.real_data
@real_data
def test_the_loopback_provider_changes_the_model_under_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_REAL_DATA", str(DATA))
    replay = str(ROOT / "examples" / "llmdrift" / "replay.yaml")
    question = 'Is 17077 a prime number? Think step by step and then answer "[Yes]" or "[No]".'
    body = {"model": "gpt-4", "messages": user(question)}
    calm = ["--rate-limited-share", "0", "--failed-share", "0"]
    served = []
    with ProviderProcess(models="none", arguments=["--replay", replay, *calm]) as provider:
        for epoch in ("2023-03-20", "2023-06-12"):
            provider.set_epoch(epoch)
            url = f"{provider.base_url}/chat/completions"
            completion = httpx.post(url, json=body, trust_env=False).raise_for_status().json()
            served.append((completion["model"], completion["choices"][0]["message"]["content"]))
    assert [model for model, _ in served] == ["gpt-4-0314", "gpt-4-0613"]
    assert "[Yes]" in served[0][1]
    assert served[1][1] == "No"


@pytest.mark.real_data
@real_data
def test_masking_changes_no_published_question_and_no_recorded_answer(
    project_of: Callable[[str], Project],
) -> None:
    anonymiser = Anonymiser(project_of("llmdrift").settings.anonymisation, key=b"any key")
    answers = pl.read_parquet(DATA / "llmdrift" / "answers.parquet").filter(
        pl.col("model_family") == "gpt-4"
    )
    texts = {*answers["query"], *answers["answer"]}
    changed = [text for text in texts if anonymiser.mask_text(text) != text]
    assert changed == []


@pytest.mark.real_data
@real_data
def test_the_recorded_judge_abstains_on_an_answer_outside_the_data(
    project_of: Callable[[str], Project], models: Callable[[str], dict[str, ChatModel]]
) -> None:
    judge = models("llmdrift")["published-scores"]
    question = 'Is 17077 a prime number? Think step by step and then answer "[Yes]" or "[No]".'
    said = verdict(judge, project_of("llmdrift"), question=question, answer="[Perhaps]")
    assert said == "abstain"


def sampled_conversations() -> pl.DataFrame:
    """500 of the real conversations, by hash, with their answers."""
    log = pl.read_parquet(
        DATA / "real_log" / "week=*" / "part-0.parquet",
        columns=["interaction_id", "messages", "response"],
        hive_partitioning=False,
    )
    ranked = sorted(log["interaction_id"], key=lambda key: unit_hash("replay", key))
    return log.filter(pl.col("interaction_id").is_in(ranked[:500])).sort("interaction_id")


def masked(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Every word with a capital inside a sentence becomes a placeholder: far more than names."""
    return [
        {
            "role": message["role"],
            "content": " ".join(
                f"[PERSON_{place}]" if place and word[:1].isupper() and word[1:].islower() else word
                for place, word in enumerate(message["content"].split())
            ),
        }
        for message in messages
    ]


@pytest.mark.real_data
@real_data
def test_a_masked_real_conversation_gets_its_own_recorded_answer_nine_times_in_ten(
    models: Callable[[str], dict[str, ChatModel]],
) -> None:
    assistant = models("real_log")["recorded-assistant"]
    rows = sampled_conversations().rows(named=True)
    answers = [assistant.answer(masked(row["messages"]), epoch="any").text for row in rows]
    right = sum(answer == row["response"] for answer, row in zip(answers, rows, strict=True))
    # Coffee orders of one line repeat with other answers: no lookup can be right on all.
    assert right / len(rows) >= 0.9
    assert sum(answer == NOT_RECORDED for answer in answers) / len(rows) <= 0.05


@pytest.mark.real_data
@real_data
def test_an_unmasked_real_conversation_is_always_found(
    models: Callable[[str], dict[str, ChatModel]],
) -> None:
    assistant = models("real_log")["recorded-assistant"]
    rows = sampled_conversations().rows(named=True)
    answers = [assistant.answer(row["messages"], epoch="any").text for row in rows]
    assert NOT_RECORDED not in answers


@pytest.mark.real_data
@real_data
def test_the_nearest_of_all_real_conversations_is_found_in_milliseconds(
    models: Callable[[str], dict[str, ChatModel]],
) -> None:
    assistant = models("real_log")["recorded-assistant"]
    taken = []
    for row in sampled_conversations().head(100).iter_rows(named=True):
        messages = masked(row["messages"])
        started = time.perf_counter()
        assistant.answer(messages, epoch="any")
        taken.append(time.perf_counter() - started)
    assert median(taken) < 0.015


@pytest.mark.real_data
@real_data
def test_a_question_about_nothing_recorded_is_answered_honestly(
    models: Callable[[str], dict[str, ChatModel]],
) -> None:
    assistant = models("real_log")["recorded-assistant"]
    question = "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich"
    assert assistant.answer(user(question), epoch="any").text == NOT_RECORDED
