"""Naive systems in a pipeline: what they learn from, whose answers are barred, and their calls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from eval_pipeline.adapters.embeddings import HttpEmbeddings
from eval_pipeline.errors import SettingsError
from eval_pipeline.evaluation.naive.asked import Example, Question, question_text
from eval_pipeline.evaluation.naive.retrieval import Vectors
from eval_pipeline.evaluation.naive.systems import learns, naive_system
from eval_pipeline.evaluation.trial_items import TrialItem, golden_items
from eval_pipeline.evaluation.trials import plan_trials
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome, ModelCall, OwnAnswer
from eval_pipeline.settings import NaiveSettings, RetrievalNaive, SystemSettings
from eval_pipeline.truth.near_duplicates import neighbours, normalised


@dataclass(frozen=True)
class Learnt:
    """What a golden version has to learn from, and the group of each of its items.

    A group holds items of one conversation, what was made of one another, and near-duplicates:
    nothing is learnt from a group for a question of it.
    """

    examples: tuple[Example, ...]
    groups: Mapping[str, str]
    conversations: Mapping[str, str]
    texts: Mapping[str, str]


def planned_calls(
    pipeline: Pipeline,
    items: Sequence[TrialItem],
    *,
    system_id: str,
    system: SystemSettings,
    scope: str,
    trial: int = 1,
) -> list[ModelCall]:
    """One call per item, in order; that of a naive system names what it answers by.

    So another golden version is another request: no answer, and no latency, is taken for that of
    a system that had learnt something else.
    """
    calls = plan_trials(items, system_id=system_id, system=system, scope=scope, trial=trial)
    naive = system.naive
    if naive is None:
        return calls
    known = {
        version: _known_by(naive, learnt_of(pipeline, version=version, naive=naive))
        for version in {item.golden_version for item in items}
    }
    return [
        replace(call, spec=replace(call.spec, parameters=known[item.golden_version]))
        for item, call in zip(items, calls, strict=True)
    ]


def answer_naively(
    pipeline: Pipeline,
    items: Sequence[TrialItem],
    calls: Sequence[ModelCall],
    *,
    naive: NaiveSettings,
    purpose: str,
) -> list[CallOutcome]:
    """One outcome per item, in order; each version's items by what that version could teach."""
    outcomes: dict[int, CallOutcome] = {}
    for version in sorted({item.golden_version for item in items}):
        places = [place for place, item in enumerate(items) if item.golden_version == version]
        own = [items[place] for place in places]
        learnt = learnt_of(pipeline, version=version, naive=naive)
        questions = questions_of(pipeline, own, learnt=learnt, naive=naive)
        texts = [one.text for one in questions] + [one.text for one in learnt.examples]
        vectors = _vectors(pipeline, naive, texts)
        system = naive_system(naive, learnt.examples, vectors=vectors)
        asked = {one.item_id: one for one in questions}

        def answer(call: ModelCall, asked: dict[str, Question] = asked) -> OwnAnswer:
            return system.answer(asked[call.item_id])  # noqa: B023 - called before the next version

        answered = pipeline.in_process.run(
            [calls[place] for place in places], answer, purpose=purpose
        )
        outcomes |= dict(zip(places, answered, strict=True))
    return [outcomes[place] for place in range(len(items))]


def learnt_of(pipeline: Pipeline, *, version: int, naive: NaiveSettings) -> Learnt:
    """What the version teaches; nothing for rules and templates, which learn nothing.

    Synthetic items teach nothing: nobody asked them. An item without a good reference answer has
    none to teach.
    """
    if not learns(naive):
        return Learnt((), {}, {}, {})
    golden = pipeline.golden.items(version)
    texts = _texts(golden)
    groups = _groups(golden, texts, similarity=pipeline.settings.golden.near_duplicate_similarity)
    examples = tuple(
        Example(
            item_id=item.item_id,
            route=item.route,
            text=question_text(item.messages, naive=naive),
            reference=item.reference_response,
            group=groups[item.item_id],
        )
        for item in golden_items(golden, golden_version=version)
        if item.source == "golden"
        and item.expected_behaviour == "answer"
        and item.reference_response is not None
    )
    conversations = dict(
        zip(golden["conversation_key"], (groups[one] for one in golden["item_id"]), strict=True)
    )
    return Learnt(examples, groups, conversations, texts)


def questions_of(
    pipeline: Pipeline, items: Sequence[TrialItem], *, learnt: Learnt, naive: NaiveSettings
) -> list[Question]:
    """The items as questions, each with the groups that are barred for it."""
    asked = {
        item.item_id: normalised([vars(message) for message in item.messages]) for item in items
    }
    others = {item_id: text for item_id, text in asked.items() if item_id not in learnt.groups}
    similarity = pipeline.settings.golden.near_duplicate_similarity
    near = (
        neighbours([*learnt.texts.values(), *others.values()], similarity=similarity)
        if others and learnt.texts
        else {}
    )
    by_text: dict[str, set[str]] = {}
    for item_id, text in learnt.texts.items():
        by_text.setdefault(text, set()).add(learnt.groups[item_id])
    questions = []
    for item in items:
        barred = {learnt.groups.get(item.item_id), learnt.conversations.get(item.conversation_key)}
        if item.item_id in others:
            text = others[item.item_id]
            barred |= set[str]().union(
                *(by_text.get(alike, set()) for alike in (text, *near.get(text, ())))
            )
        questions.append(
            Question(
                item_id=item.item_id,
                route=item.route,
                text=question_text(item.messages, naive=naive),
                barred=frozenset(group for group in barred if group is not None),
            )
        )
    return questions


def _texts(golden: pl.DataFrame) -> dict[str, str]:
    return {
        item_id: normalised(messages)
        for item_id, messages in golden.select("item_id", "messages").iter_rows()
    }


def _groups(golden: pl.DataFrame, texts: Mapping[str, str], *, similarity: float) -> dict[str, str]:
    """The group of every item, named after its first member."""
    near = neighbours(list(texts.values()), similarity=similarity)
    by_text: dict[str, list[str]] = {}
    for item_id in sorted(texts):
        by_text.setdefault(texts[item_id], []).append(item_id)
    by_conversation: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for row in golden.sort("item_id").iter_rows(named=True):
        item_id = row["item_id"]
        pairs.append((item_id, by_conversation.setdefault(row["conversation_key"], item_id)))
        if row["derived_from"] in texts:
            pairs.append((item_id, row["derived_from"]))
        text = texts[item_id]
        pairs += [(item_id, by_text[alike][0]) for alike in (text, *near.get(text, ()))]
    return _joined(sorted(texts), pairs)


def _joined(names: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Connected components, each named after its smallest member."""
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    return {name: root(name) for name in names}


def _known_by(naive: NaiveSettings, learnt: Learnt) -> tuple[tuple[str, str], ...]:
    told = [vars(example) for example in learnt.examples]
    return (
        ("configured_as", fingerprint(naive.model_dump(mode="json"))),
        ("learnt_from", fingerprint(told)),
    )


def _vectors(pipeline: Pipeline, naive: NaiveSettings, texts: Sequence[str]) -> Vectors | None:
    """The configured endpoint's vectors of these texts, all asked at once; None for TF-IDF."""
    if not isinstance(naive, RetrievalNaive) or naive.embeddings is None:
        return None
    provider = naive.embeddings.provider
    if provider not in pipeline.settings.providers:
        raise SettingsError(
            f"`naive.embeddings.provider` names '{provider}'; known are "
            f"{sorted(pipeline.settings.providers)}. Nothing was asked."
        )
    endpoint = HttpEmbeddings(
        naive.embeddings,
        pipeline.settings.providers[provider],
        secret=lambda variable: pipeline.project.secret(variable, "a provider's API key"),
        clock=pipeline.clock,
        network=pipeline.settings.network,
    )
    distinct = sorted(set(texts))
    known = dict(zip(distinct, endpoint.vectors(distinct), strict=True))
    return lambda wanted: np.array([known[text] for text in wanted])
