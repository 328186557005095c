"""The panel: each judge is asked about each response alone, and a strict majority decides."""

from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from eval_pipeline.errors import UnansweredCallsError, UnusableAnswersError
from eval_pipeline.judging.calls import (
    call_columns,
    conversation_of,
    judge_call,
    judge_of,
    judge_system_id,
)
from eval_pipeline.judging.parsing import (
    UNPARSABLE_CODE,
    VERDICT_SCHEMA,
    VerdictAnswer,
    parse_verdict,
)
from eval_pipeline.judging.prompts import pointwise_messages
from eval_pipeline.judging.rubrics import Rubric, pointwise_for
from eval_pipeline.ports import CallOutcome, ModelCall
from eval_pipeline.settings import JudgeSettings, PanelSettings
from eval_pipeline.tables import PANEL_VERDICTS, VERDICTS

SINGLE_ORDER = "single"


def judgeable(interactions: pl.DataFrame) -> pl.DataFrame:
    """The rows that have a response to judge; the caller counts and reports the others."""
    return interactions.filter(pl.col("response").str.strip_chars().fill_null("") != "")


def plan_verdicts(
    interactions: pl.DataFrame,
    *,
    judges: Mapping[str, JudgeSettings],
    rubrics: Sequence[Rubric],
    scope: str,
) -> list[ModelCall]:
    """One call per judgeable interaction and judge, in the rows' and the configuration's order.

    Reads interaction_id, route, messages and response of the anonymised interactions. Raises
    `MissingRubricError` if a route has no pointwise rubric.
    """
    calls = []
    for row in judgeable(interactions).iter_rows(named=True):
        messages = pointwise_messages(
            pointwise_for(rubrics, row["route"]),
            conversation=conversation_of(row["messages"]),
            response=row["response"],
        )
        calls += [
            judge_call(
                judge,
                messages,
                scope=scope,
                system_id=judge_system_id(judge_id),
                item_id=row["interaction_id"],
                output_schema=VERDICT_SCHEMA,
            )
            for judge_id, judge in judges.items()
        ]
    return calls


def read_verdicts(
    outcomes: Sequence[CallOutcome],
    *,
    interactions: pl.DataFrame,
    judges: Mapping[str, JudgeSettings],
    rubrics: Sequence[Rubric],
) -> pl.DataFrame:
    """The outcomes of `plan_verdicts` as VERDICTS; an unparsable answer is a failed call."""
    routes = dict(interactions.select("interaction_id", "route").iter_rows())
    rows = []
    for outcome in outcomes:
        answer = parse_verdict(outcome.text) if outcome.status == "answered" else None
        read = answer if isinstance(answer, VerdictAnswer) else None
        interaction_id, judge_id = outcome.call.item_id, judge_of(outcome)
        rows.append(
            {
                "interaction_id": interaction_id,
                "judge_id": judge_id,
                "rubric_id": pointwise_for(rubrics, routes[interaction_id]).rubric_id,
                "family": judges[judge_id].family,
                "order": SINGLE_ORDER,
                "verdict": read.verdict if read else None,
                "rationale": read.rationale if read else None,
                **call_columns(outcome, answer),
            }
        )
    return VERDICTS.conform(pl.DataFrame(rows, schema=VERDICTS.schema))


def require_answers(
    frame: pl.DataFrame, policy: PanelSettings, *, purpose: str = "verdicts"
) -> None:
    """Raises if more than `maximum_failed_share` of the calls gave nothing usable.

    `UnansweredCallsError` where asking again can mend it; its subclass `UnusableAnswersError`
    where the share is passed only by refusals and unparsable answers, which the journal keeps.
    """
    bad = frame.filter(pl.col("status") != "answered")
    allowed = policy.maximum_failed_share * frame.height
    if bad.height <= allowed:
        return
    codes = Counter(
        code or status for status, code in bad.select("status", "error_code").iter_rows()
    )
    commonest = min(codes, key=lambda code: (-codes[code], code))
    recorded = bad.filter(
        (pl.col("status") == "refused") | (pl.col("error_code") == UNPARSABLE_CODE)
    )
    if bad.height - recorded.height <= allowed:
        raise UnusableAnswersError(purpose, bad.height, frame.height, commonest)
    raise UnansweredCallsError(purpose, bad.height, frame.height, commonest)


def decide(
    verdicts: pl.DataFrame, refutations: pl.DataFrame, *, policy: PanelSettings
) -> pl.DataFrame:
    """What the panel says of each interaction, as PANEL_VERDICTS.

    It says pass or fail only with a strict majority of the judges that answered, of whom there
    must be a quorum. An abstaining judge has answered but votes for neither side; a failed or
    refused call is missing and counts for nothing. `reason` is unanimous where all who answered
    agree. A pass that the refuter overturned is null; a refuter that failed overturns nothing and
    leaves `refuted` null.
    """
    refuted = refutations.select("interaction_id", refuted=pl.col("finding").eq("refuted"))
    panel = (
        _counted(verdicts, policy)
        .join(refuted, on="interaction_id", how="left", validate="1:1")
        .with_columns(
            overturned=(pl.col("majority") == "pass") & pl.col("refuted").fill_null(value=False)
        )
    )
    winners = pl.max_horizontal("passes", "fails")
    reason = (
        pl.when(pl.col("answered") < policy.quorum)
        .then(pl.lit("below_quorum"))
        .when(pl.col("majority").is_null())
        .then(pl.lit("split"))
        .when(pl.col("overturned"))
        .then(pl.lit("refuted"))
        .when(winners == pl.col("answered"))
        .then(pl.lit("unanimous"))
        .otherwise(pl.lit("majority"))
    )
    decided = panel.with_columns(
        reason=reason,
        panel_verdict=pl.when(~pl.col("overturned").fill_null(value=False)).then("majority"),
    )
    return PANEL_VERDICTS.conform(decided.select(list(PANEL_VERDICTS.schema)))


def provisional_passes(verdicts: pl.DataFrame, policy: PanelSettings) -> list[str]:
    """The interactions that the panel would pass if nothing refuted them, sorted."""
    passes = _counted(verdicts, policy).filter(pl.col("majority") == "pass")
    return sorted(passes["interaction_id"].to_list())


def _counted(verdicts: pl.DataFrame, policy: PanelSettings) -> pl.DataFrame:
    """One row per interaction: the judges' counts, and the strict majority or null."""
    verdict = pl.col("verdict")
    counts = (
        verdicts.filter(pl.col("order") == SINGLE_ORDER)
        .group_by("interaction_id")
        .agg(
            judges=pl.len(),
            passes=(verdict == "pass").sum(),
            fails=(verdict == "fail").sum(),
            abstentions=(verdict == "abstain").sum(),
            missing=verdict.is_null().sum(),
        )
        .with_columns(pl.col("judges", "passes", "fails", "abstentions", "missing").cast(pl.Int64))
        .with_columns(answered=pl.col("judges") - pl.col("missing"))
    )
    spoken = pl.col("answered") >= policy.quorum
    return counts.with_columns(
        majority=pl.when(spoken & (2 * pl.col("passes") > pl.col("answered")))
        .then(pl.lit("pass"))
        .when(spoken & (2 * pl.col("fails") > pl.col("answered")))
        .then(pl.lit("fail"))
        .otherwise(pl.lit(None, dtype=pl.String))
    )
