"""Judges whose verdicts and preferences were recorded elsewhere, served as judge models."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from eval_pipeline.demo.judge_prompts import asked_levels, read_exchange, verdict_json
from eval_pipeline.demo.models import Answer
from eval_pipeline.judging.material import RESPONSE_A, RESPONSE_B

WITHOUT_PREFERENCE: Final = "Output (a) and Output (b) are both"
"""What a recorded judge says where its words held no preference: no JSON, and not an answer."""


class RecordedJudge:
    """Judges an answer as the people who published the recording did."""

    def __init__(self, rows: pl.DataFrame, *, pass_at_least: float, served_model: str) -> None:
        """`rows` holds question, answer and score; equal pairs must have one score."""
        self._scores = {
            (spaced(question), spaced(answer)): score
            for question, answer, score in rows.iter_rows()
        }
        self._pass_at_least = pass_at_least
        self._served_model = served_model

    def answer(self, messages: Sequence[Mapping[str, str]], *, epoch: str) -> Answer:
        """The recorded verdict as JSON; the judge is the same in every epoch."""
        del epoch
        return Answer(
            self._verdict(messages),
            served_model=self._served_model,
            system_fingerprint=self._served_model,
        )

    def _verdict(self, messages: Sequence[Mapping[str, str]]) -> str:
        exchange = read_exchange(messages)
        if exchange is None:
            return verdict_json("abstain", "This is not a judge's prompt.")
        score = self._scores.get((spaced(exchange.request), spaced(exchange.response)))
        levels = asked_levels(messages)
        if score is None:
            return verdict_json("abstain", "This answer was never scored.", levels=levels)
        verdict = "pass" if score >= self._pass_at_least else "fail"
        rationale = f"The published score of this answer is {score:g}."
        return verdict_json(verdict, rationale, levels=levels)


class RecordedPreferences:
    """Prefers one of two responses as the recorded judge did, for either order of showing them."""

    def __init__(self, rows: pl.DataFrame, *, served_model: str) -> None:
        """`rows` holds question, first, second, swapped and winner.

        `swapped`: the second stood first. `winner` is '1' or '2' by the rows' own numbering, in
        either order; anything else is an answer without a preference.
        """
        self._winners: dict[tuple[str, str, str], str] = {}
        for question, first, second, swapped, winner in rows.iter_rows():
            places = (second, first) if swapped else (first, second)
            better = {"1": first, "2": second}.get(str(winner))
            preferred = "" if better is None else "ab"[places.index(better)]
            self._winners[spaced(question), spaced(places[0]), spaced(places[1])] = preferred
        self._served_model = served_model

    def answer(self, messages: Sequence[Mapping[str, str]], *, epoch: str) -> Answer:
        """The recorded preference as JSON; no JSON where the judge's own words held none."""
        del epoch
        return Answer(
            self._preference(messages),
            served_model=self._served_model,
            system_fingerprint=self._served_model,
        )

    def _preference(self, messages: Sequence[Mapping[str, str]]) -> str:
        shown = [read_exchange(messages, judged=tag) for tag in (RESPONSE_A, RESPONSE_B)]
        if shown[0] is None or shown[1] is None:
            return _preference_json("tie", "This is not a prompt about two responses.")
        pair = (shown[0].request, shown[0].response, shown[1].response)
        preferred = self._winners.get((spaced(pair[0]), spaced(pair[1]), spaced(pair[2])))
        if preferred is None:
            return _preference_json("tie", "This pair was never compared.")
        if not preferred:
            return WITHOUT_PREFERENCE
        return _preference_json(preferred, f"The recorded preference is response {preferred}.")


def _preference_json(preference: str, rationale: str) -> str:
    return json.dumps({"rationale": rationale, "preference": preference})


def spaced(text: str) -> str:
    """The text with single spaces: prompts are laid out anew on their way to a judge."""
    return " ".join(text.split())
