"""The provider's replay mode: recorded answers and recorded judgements, served as models.

A `replay.yaml` names for each served model a data file and which of its columns hold what. The
data stay where they are. With an epoch column one model name changes silently underneath.
"""

import os
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import Field, ValidationError

from eval_pipeline.demo.conversation_index import ConversationIndex, turns_of
from eval_pipeline.demo.heuristic_judges import HEURISTIC_MODELS
from eval_pipeline.demo.models import Answer, ChatModel
from eval_pipeline.demo.recorded_judges import RecordedJudge, RecordedPreferences
from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.settings import PositiveShare, Section
from eval_pipeline.yaml_text import YamlTextError, parse_yaml, read_bounded

_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
NOT_RECORDED = "I do not know."
"""The honest answer to a request that resembles nothing recorded."""


class Recording(Section):
    """A Parquet file or glob with one row per recorded call; `${VARIABLE}` is replaced."""

    data: str
    where: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Column to value: only these rows are served."
    )


class AnswersReplay(Recording):
    """A system model: the recorded answer to a question or to a conversation."""

    kind: Literal["answers"]
    question: str = Field("query", description="Column: the text, or the list of messages.")
    answer: str = Field("answer", description="Column: the recorded answer.")
    epoch: str | None = Field(None, description="Column; none: the model never changes.")
    served_model: str = Field("served_model", description="Column: what the provider ran.")
    order_by: str | None = Field(None, description="Column; the first of equal questions wins.")
    minimum_similarity: PositiveShare = Field(
        1.0, description="Below it the model does not know; 1: only the same question counts."
    )


class RecordedJudgeReplay(Recording):
    """A judge model: the recorded score of a question's answer; abstains on others."""

    kind: Literal["recorded_judge"]
    question: str = "query"
    answer: str = "answer"
    score: str = "score"
    pass_at_least: float = 0.5
    served_model: str = Field("recorded", description="The name that the judge gives itself.")


class RecordedPreferencesReplay(Recording):
    """A judge of pairs: which of two responses was preferred, in each order; ties on others."""

    kind: Literal["recorded_preferences"]
    pairs: str = Field(description="A Parquet file with the pairs; `data` holds the preferences.")
    key: tuple[str, ...] = Field(min_length=1, description="Columns of both that name a pair.")
    question: str = Field("input", description="Column of the pairs.")
    first: str = Field("output_1", description="Column of the pairs.")
    second: str = Field("output_2", description="Column of the pairs.")
    winner: str = Field("winner", description="Column of the data: 1, 2, or none of them.")
    swapped: str = Field("swap", description="Column of the data: the second stood first.")
    served_model: str = Field("recorded", description="The name that the judge gives itself.")


class HeuristicReplay(Section):
    """A model that the demo computes: see `heuristic_judges`."""

    kind: Literal["heuristic"]
    name: str


ReplaySettings = Annotated[
    AnswersReplay | RecordedJudgeReplay | RecordedPreferencesReplay | HeuristicReplay,
    Field(discriminator="kind"),
]


class ReplayFile(Section):
    """The whole of a replay.yaml: served model name to what stands behind it."""

    models: dict[str, ReplaySettings] = Field(min_length=1)


class RecordedAnswers:
    """Answers a request with what was answered then, by epoch.

    An epoch without recording is served by the latest before it, one before all by the first.
    """

    def __init__(self, rows: pl.DataFrame, *, minimum_similarity: float) -> None:
        """`rows` holds question (text or messages), answer, epoch and served_model."""
        by_epoch = rows.partition_by("epoch", as_dict=True, maintain_order=True)
        self._epochs = sorted(str(epoch) for (epoch,) in by_epoch)
        self._recorded = {
            str(epoch): _Epoch(part, minimum_similarity=minimum_similarity)
            for (epoch,), part in by_epoch.items()
        }

    def answer(self, messages: Sequence[Mapping[str, str]], *, epoch: str) -> Answer:
        """The recorded answer, or the honest one that there is none."""
        position = max(bisect_right(self._epochs, epoch) - 1, 0)
        return self._recorded[self._epochs[position]].answer(messages)


class _Epoch:
    """What one model answered while it stayed the same."""

    def __init__(self, rows: pl.DataFrame, *, minimum_similarity: float) -> None:
        self._answers = rows["answer"].to_list()
        self._served = rows["served_model"].to_list()
        self._index = ConversationIndex(
            [turns_of(_as_messages(question)) for question in rows["question"].to_list()],
            minimum_similarity=minimum_similarity,
        )

    def answer(self, messages: Sequence[Mapping[str, str]]) -> Answer:
        match = self._index.find(turns_of(messages))
        text = NOT_RECORDED if match is None else self._answers[match.row]
        served = self._served[0 if match is None else match.row]
        return Answer(text, served_model=served, system_fingerprint=served)


def load_replay(file: Path) -> dict[str, ChatModel]:
    """The models that `file` names; raises `SettingsError` if it or its data cannot be used."""
    try:
        tree = parse_yaml(read_bounded(file))
        settings = ReplayFile.model_validate(tree)
    except OSError as error:
        raise SettingsError(f"The replay file {file} cannot be read: {error}.") from None
    except YamlTextError as error:
        raise SettingsError(f"The replay file {file} is not valid YAML: {error.problem}.") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
            for detail in error.errors()
        )
        raise SettingsError(f"The replay file {file} cannot be used: {problems}.") from None
    return {name: _model(model, name, file) for name, model in settings.models.items()}


def _model(settings: ReplaySettings, name: str, file: Path) -> ChatModel:
    match settings:
        case HeuristicReplay():
            return _heuristic(settings.name, file)
        case AnswersReplay():
            return RecordedAnswers(
                _answers(settings, name, file), minimum_similarity=settings.minimum_similarity
            )
        case RecordedJudgeReplay():
            wanted = [settings.question, settings.answer, settings.score]
            return RecordedJudge(
                _recorded(settings, name, file, used=wanted).select(wanted).collect().drop_nulls(),
                pass_at_least=settings.pass_at_least,
                served_model=settings.served_model,
            )
        case RecordedPreferencesReplay():
            return RecordedPreferences(
                _preferences(settings, name, file), served_model=settings.served_model
            )


def _heuristic(name: str, file: Path) -> ChatModel:
    if name not in HEURISTIC_MODELS:
        raise SettingsError(
            f"{file} names the heuristic model '{name}'; known are {sorted(HEURISTIC_MODELS)}."
        )
    return HEURISTIC_MODELS[name]


def _answers(settings: AnswersReplay, name: str, file: Path) -> pl.DataFrame:
    """Question, answer, epoch and served_model of every recorded call that was answered."""
    named = [settings.question, settings.answer, settings.served_model]
    named += [column for column in (settings.epoch, settings.order_by) if column is not None]
    rows = _recorded(settings, name, file, used=named)
    if settings.order_by is not None:
        rows = rows.sort(settings.order_by, maintain_order=True)
    epoch = pl.lit("always") if settings.epoch is None else pl.col(settings.epoch)
    found = (
        rows.select(
            pl.col(settings.question).alias("question"),
            pl.col(settings.answer).alias("answer"),
            epoch.cast(pl.String).alias("epoch"),
            pl.col(settings.served_model).alias("served_model"),
        )
        .drop_nulls()
        .collect()
    )
    if found.is_empty():
        raise SettingsError(
            f"{file}: model '{name}' finds no answered row in {settings.data} "
            f"where {settings.where}. Nothing is served."
        )
    return found


def _preferences(settings: RecordedPreferencesReplay, name: str, file: Path) -> pl.DataFrame:
    """Question, first, second, swapped and winner of every recorded comparison."""
    key, shown = list(settings.key), [settings.question, settings.first, settings.second]
    said = [settings.swapped, settings.winner]
    recorded = _recorded(settings, name, file, used=[*key, *said]).select(*key, *said)
    pairs = _scan(settings.pairs, name, file, used=[*key, *shown]).select(*key, *shown)
    return recorded.join(pairs, on=key, validate="m:1").select(*shown, *said).collect()


def _recorded(settings: Recording, name: str, file: Path, *, used: Sequence[str]) -> pl.LazyFrame:
    rows = _scan(settings.data, name, file, used=[*used, *settings.where])
    for column, value in settings.where.items():
        rows = rows.filter(pl.col(column) == value)
    return rows


def _scan(data: str, name: str, file: Path, *, used: Sequence[str]) -> pl.LazyFrame:
    location = file.parent / _VARIABLE.sub(lambda found: _variable(found[1]), data)
    try:
        rows = pl.scan_parquet(location, hive_partitioning=False)
        missing = sorted(set(used) - set(rows.collect_schema().names()))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SettingsError(
            f"{file}: model '{name}' replays {location}, which cannot be read: {error}. "
            "Nothing is served."
        ) from None
    if missing:
        raise SettingsError(
            f"{file}: model '{name}' replays {location}, which has no column {missing}. "
            "Nothing is served."
        )
    return rows


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise MissingEnvironmentError(name, "the folder of the data to be replayed")
    return value


def _as_messages(question: str | Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    return [{"role": "user", "content": question}] if isinstance(question, str) else question
