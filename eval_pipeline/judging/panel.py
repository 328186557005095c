"""The panel: each judge is asked about each response alone, and a strict majority decides."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

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
    UNUSABLE_CODES,
    VerdictAnswer,
    answer_in,
    parse_verdict,
    verdict_schema,
)
from eval_pipeline.judging.prompts import pointwise_messages
from eval_pipeline.judging.rubrics import Rubric, pointwise_for
from eval_pipeline.ports import CallOutcome, ModelCall
from eval_pipeline.settings import JudgeSettings, PanelSettings
from eval_pipeline.tables import PANEL_VERDICTS, VERDICTS

SINGLE_ORDER = "single"
STRICT_MAJORITY = 0.5
SHARE_DIGITS = 9


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
        rubric = pointwise_for(rubrics, row["route"])
        messages = pointwise_messages(
            rubric,
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
                output_schema=verdict_schema(rubric),
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
    """The outcomes of `plan_verdicts` as VERDICTS; an unusable answer is a failed call."""
    routes = dict(interactions.select("interaction_id", "route").iter_rows())
    rows = []
    for outcome in outcomes:
        interaction_id, judge_id = outcome.call.item_id, judge_of(outcome)
        rubric = pointwise_for(rubrics, routes[interaction_id])
        answer = answer_in(outcome, partial(parse_verdict, rubric=rubric))
        read = answer if isinstance(answer, VerdictAnswer) else None
        rows.append(
            {
                "interaction_id": interaction_id,
                "judge_id": judge_id,
                "rubric_id": rubric.rubric_id,
                "family": judges[judge_id].family,
                "order": SINGLE_ORDER,
                "verdict": read.verdict if read else None,
                "rationale": read.rationale if read else None,
                "criteria": [one.model_dump() for one in read.criteria] if read else None,
                **call_columns(outcome, answer),
            }
        )
    return VERDICTS.conform(pl.DataFrame(rows, schema=VERDICTS.schema))


def criteria_reached(verdicts: pl.DataFrame) -> pl.DataFrame:
    """How often each judge found each criterion at each level; level is null where undecided.

    One row per judge, rubric, criterion and level that occurs, in that order: what shows which
    criterion breaks, and which one judges read differently.
    """
    reached = pl.col("criteria").struct
    columns = ["judge_id", "rubric_id", "criterion", "level"]
    return (
        verdicts.drop_nulls("criteria")
        .explode("criteria")
        .with_columns(criterion=reached.field("criterion"), level=reached.field("level"))
        .group_by(columns)
        .agg(responses=pl.len())
        .sort(columns, nulls_last=True)
    )


def require_answers(
    frame: pl.DataFrame, policy: PanelSettings, *, purpose: str = "verdicts"
) -> None:
    """Raises if more than `maximum_failed_share` of the calls gave nothing usable.

    `UnansweredCallsError` where asking again can mend it; its subclass `UnusableAnswersError`
    where the share is passed only by refusals and unusable answers, which the journal keeps.
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
        (pl.col("status") == "refused") | pl.col("error_code").is_in(UNUSABLE_CODES)
    )
    if bad.height - recorded.height <= allowed:
        raise UnusableAnswersError(purpose, bad.height, frame.height, commonest)
    raise UnansweredCallsError(purpose, bad.height, frame.height, commonest)


def decide(
    verdicts: pl.DataFrame,
    refutations: pl.DataFrame,
    *,
    policy: PanelSettings,
    weights: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """What the panel says of each interaction, as PANEL_VERDICTS.

    It says pass or fail only with a strict majority of the judges that answered, of whom there
    must be a quorum. An abstaining judge has answered but votes for neither side; a failed or
    refused call is missing and counts for nothing. `reason` is unanimous where all who answered
    agree. A pass that the refuter overturned is null; a refuter that failed overturns nothing and
    leaves `refuted` null.

    With `weights` (by judge, as `judge_weights` gives them; 1 for any other judge) the majority is
    one of weight, and the quorum still one of heads; `weighted_pass_share` is the passing weight's
    share of those who answered, null where all weigh the same or nothing.
    """
    refuted = refutations.select("interaction_id", refuted=pl.col("finding").eq("refuted"))
    panel = (
        _counted(verdicts, policy, weights)
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


def provisional_passes(
    verdicts: pl.DataFrame,
    policy: PanelSettings,
    *,
    weights: Mapping[str, float] | None = None,
) -> list[str]:
    """The interactions that the panel would pass if nothing refuted them, sorted."""
    passes = _counted(verdicts, policy, weights).filter(pl.col("majority") == "pass")
    return sorted(passes["interaction_id"].to_list())


def _counted(
    verdicts: pl.DataFrame, policy: PanelSettings, weights: Mapping[str, float] | None
) -> pl.DataFrame:
    """One row per interaction: the judges' counts, and the strict majority or null.

    Shares are rounded before they decide, so that the order of adding cannot.
    """
    verdict = pl.col("verdict")
    weight = pl.col("judge_id").replace_strict(weights or {}, default=1.0, return_dtype=pl.Float64)
    spoken = weight.filter(verdict.is_not_null()).sum()
    counts = (
        verdicts.filter(pl.col("order") == SINGLE_ORDER)
        .group_by("interaction_id")
        .agg(
            judges=pl.len(),
            passes=(verdict == "pass").sum(),
            fails=(verdict == "fail").sum(),
            abstentions=(verdict == "abstain").sum(),
            missing=verdict.is_null().sum(),
            pass_share=weight.filter(verdict == "pass").sum() / spoken,
            fail_share=weight.filter(verdict == "fail").sum() / spoken,
        )
        .with_columns(pl.col("judges", "passes", "fails", "abstentions", "missing").cast(pl.Int64))
        .with_columns(pl.col("pass_share", "fail_share").fill_nan(None).round(SHARE_DIGITS))
        .with_columns(answered=pl.col("judges") - pl.col("missing"))
    )
    share = pl.col("pass_share") if weights is not None else pl.lit(None, dtype=pl.Float64)
    quorate = pl.col("answered") >= policy.quorum
    return counts.with_columns(
        weighted_pass_share=share,
        majority=pl.when(quorate & (pl.col("pass_share") > STRICT_MAJORITY))
        .then(pl.lit("pass"))
        .when(quorate & (pl.col("fail_share") > STRICT_MAJORITY))
        .then(pl.lit("fail"))
        .otherwise(pl.lit(None, dtype=pl.String)),
    )
