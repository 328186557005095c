"""What shadow mode showed, said beside a decision that stands."""

from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import write_pages
from eval_pipeline.flows.shadow.reporting import shadow_held
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.shadow import sentences
from eval_pipeline.tables import GATE_DECISION


def beside_the_decision(pipeline: Pipeline, candidate_id: str) -> list[str]:
    """A few plain sentences for pages and reports; none where nothing was shadowed."""
    return sentences(shadow_held(pipeline, candidate_id))


def rewrite_page(pipeline: Pipeline, candidate_id: str) -> None:
    """The page of the decision that stands, once more; no verdict changes. None: nothing to do."""
    if pipeline.lake.has(GATE_DECISION, partition=candidate_id):
        write_pages(pipeline, candidate_id, load_decision(pipeline, candidate_id))
