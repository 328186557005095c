"""Plans the gate with today's items: the preflight, the simulated rates, and what a gate costs."""

from collections.abc import Mapping, Sequence

import polars as pl

from eval_pipeline.adapters.model_calls.call_figures import spent_on, usual_tokens
from eval_pipeline.adapters.model_calls.call_plans import OUTPUT_TOKENS
from eval_pipeline.errors import InfeasibleGateError, SettingsError
from eval_pipeline.evaluation.gate_plan import ARMS, GatePlan, ItemCost
from eval_pipeline.evaluation.operating_characteristics import Progress, World, characteristics
from eval_pipeline.evaluation.preflight import (
    Noise,
    SubsetPlan,
    infeasible_sentences,
    pooled_noise,
    preflight,
)
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.trial_items import TrialItem, golden_items
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.golden_weights import live_cells_for
from eval_pipeline.flows.ledger import exposures_of_versions
from eval_pipeline.flows.reserve import newest_version, reserve_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import GateSettings, ModelSettings, PanelScoring
from eval_pipeline.settings.preflight import uncertifiable
from eval_pipeline.tables import (
    AA_RUNS,
    NAMES,
    REGRESSION_TRIALS,
    STRATIFIED_INTERACTIONS,
    schema_of,
)

TRAFFIC_WEEKS = 4
"""Newest weeks that next weeks' reserve is expected to be like."""

INPUT_TOKENS = 500
"""Assumed of a call's input where the journal holds no answer of the model yet."""


def plan_gate(
    pipeline: Pipeline, *, policy: GateSettings, runs: int, progress: Progress | None = None
) -> GatePlan:
    """The plan of `policy` on the newest golden version; raises `MissingPartitionError` before."""
    version = newest_version(pipeline)
    golden = golden_frame(
        golden_items(pipeline.golden.items(version), golden_version=version), policy=policy
    )
    reserve = reserve_of(pipeline, version=version)
    subsets = list(pipeline.settings.subsets)
    noise = measured_noise(pipeline)
    plans = preflight(
        golden,
        reserve=reserve,
        weekly=weekly_reserve(pipeline, subsets),
        noise=noise,
        policy=policy,
        subsets=subsets,
    )
    world = World(
        golden=golden,
        reserve=reserve.select("interaction_id", "subsets", "conversation_key"),
        subsets=subsets,
        discordance={plan.subset: plan.noise.discordance for plan in plans},
        live=live_cells_for(pipeline, version=version, reserve=reserve),
    )
    return GatePlan(
        golden_version=version,
        exposures=exposures_of_versions(pipeline).get(version, 0),
        policy=policy,
        subsets=plans,
        rates=characteristics(world, policy=policy, runs=runs, progress=progress),
        cost=cost_of_an_item(pipeline),
    )


def preflight_of(
    pipeline: Pipeline, items: Sequence[TrialItem], *, reserve: pl.DataFrame
) -> list[SubsetPlan]:
    """The preflight of these golden items and this reserve, under the configured policy."""
    policy, subsets = pipeline.settings.gate, list(pipeline.settings.subsets)
    return preflight(
        golden_frame(items, policy=policy),
        reserve=reserve,
        weekly=weekly_reserve(pipeline, subsets),
        noise=measured_noise(pipeline),
        policy=policy,
        subsets=subsets,
    )


def infeasible_now(pipeline: Pipeline) -> list[str]:
    """The gated subsets that the newest golden version and its reserve can never certify."""
    version = newest_version(pipeline)
    items = golden_items(pipeline.golden.items(version), golden_version=version)
    reserve = reserve_of(pipeline, version=version)
    return infeasible_sentences(preflight_of(pipeline, items, reserve=reserve))


def require_feasible(
    pipeline: Pipeline, candidate: Candidate, items: Sequence[TrialItem], *, reserve: pl.DataFrame
) -> None:
    """Raises `InfeasibleGateError` for an infeasible subset, where the policy refuses that."""
    if not pipeline.settings.gate.planning.refuse_infeasible:
        return
    told = infeasible_sentences(preflight_of(pipeline, items, reserve=reserve))
    if told:
        raise InfeasibleGateError(candidate.candidate_id, told)


def what_if(
    pipeline: Pipeline, *, tolerances: Mapping[str, float], looks: Sequence[int] | None
) -> GateSettings:
    """The configured policy with other tolerances ('all' is the aggregate's) or looks.

    Raises `SettingsError` where the result would be refused in the configuration as well.
    """
    settings = pipeline.settings
    unknown = sorted(set(tolerances) - {ALL, "default", *settings.subsets})
    if unknown:
        raise SettingsError(
            f"--tolerance: '{unknown[0]}' is no subset; known are {sorted(settings.subsets)}, "
            f"'{ALL}' and 'default'."
        )
    told = settings.gate.model_dump()
    told["tolerances"] |= {name: value for name, value in tolerances.items() if name != ALL}
    told["aggregate_tolerance"] = tolerances.get(ALL, told["aggregate_tolerance"])
    told["looks"] = tuple(told["looks"] if looks is None else looks)
    try:
        policy = GateSettings.model_validate(told)
    except ValueError as error:
        raise SettingsError(f"Such a policy cannot be used: {error}.") from None
    problems = list(uncertifiable(policy, settings.golden, subsets=settings.subsets))
    if problems:
        lines = [f"`{'.'.join(one.key)}`: {one.sentence(policy)}." for one in problems]
        raise SettingsError("\n".join(lines))
    return policy


def golden_frame(items: Sequence[TrialItem], *, policy: GateSettings) -> pl.DataFrame:
    """`item_id`, `subsets`, `cluster_id` of the golden items that can decide."""
    rows = [
        (item.item_id, list(item.subsets), item.conversation_key)
        for item in items
        if item.source == "golden" or any(policy.decides_on(name) for name in item.subsets)
    ]
    schema = schema_of({"item_id": pl.String, "subsets": NAMES, "cluster_id": pl.String})
    return pl.DataFrame(rows, schema=schema, orient="row")


def weekly_reserve(pipeline: Pipeline, subsets: Sequence[str]) -> dict[str, float]:
    """Reserve items that a week brings, by subset and 'all': the mean of the newest weeks."""
    weeks = pipeline.lake.partitions(STRATIFIED_INTERACTIONS)[-TRAFFIC_WEEKS:]
    if not weeks:
        return {}
    held = pipeline.lake.read_all(STRATIFIED_INTERACTIONS, partitions=weeks)
    reserve = held.filter(pl.col("selection") == "reserve")
    counts = {
        name: reserve.filter(pl.col("subsets").list.contains(name)).height for name in subsets
    }
    return {name: count / len(weeks) for name, count in {**counts, ALL: reserve.height}.items()}


def measured_noise(pipeline: Pipeline) -> dict[str, Noise]:
    """What the newest A/A run measured, by subset; empty before the first."""
    weeks = pipeline.lake.partitions(AA_RUNS)
    if not weeks:
        return {}
    return pooled_noise(
        pipeline.lake.read(AA_RUNS, partition=weeks[-1]),
        assumed=pipeline.settings.gate.planning.discordance,
        week=weeks[-1],
    )


def cost_of_an_item(pipeline: Pipeline) -> ItemCost:
    """What both arms of an item cost with judging: as earlier gates did, or else by the prices."""
    usd, items = 0.0, 0
    for candidate_id in pipeline.lake.partitions(REGRESSION_TRIALS):
        trials = pipeline.lake.read(REGRESSION_TRIALS, partition=candidate_id, columns=["item_id"])
        usd += spent_on(pipeline.store.engine, f"candidate:{candidate_id}").usd
        items += trials["item_id"].n_unique()
    if usd > 0:
        return ItemCost(usd / items, f"measured on {items:,} items of earlier candidates")
    return _by_prices(pipeline)


def _by_prices(pipeline: Pipeline) -> ItemCost:
    settings = pipeline.settings
    judged = any(
        isinstance(scoring, PanelScoring)
        for route in settings.scoring
        for scoring in settings.scorers_of(route)
    )
    models: dict[str, ModelSettings] = {settings.baseline: settings.systems[settings.baseline]}
    models |= dict(settings.judges) if judged else {}
    usd, assumed = 0.0, []
    for name, model in models.items():
        usual = usual_tokens(pipeline.store.engine, name)
        read, written = (
            (usual.input_tokens, usual.output_tokens) if usual else (INPUT_TOKENS, OUTPUT_TOKENS)
        )
        assumed += [] if usual else [name]
        usd += (
            read * model.usd_per_million_input_tokens
            + written * model.usd_per_million_output_tokens
        ) / 1_000_000
    basis = "by the prices of the baseline and of the judges, if every item is judged"
    if assumed:
        basis += (
            f"; {INPUT_TOKENS} tokens read and {OUTPUT_TOKENS} written assumed of "
            f"{', '.join(assumed)}"
        )
    return ItemCost(ARMS * usd, basis)
