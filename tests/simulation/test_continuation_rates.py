"""What continuing after the planned looks costs in errors, and that the plan foretells the gate."""

import pytest

from benchmarks.decision_planning import measure
from tests.sizes import sized


@pytest.mark.slow
@pytest.mark.no_cover
def test_no_promise_of_planning_and_continuation_is_refuted_by_simulation():
    # Six Ville bounds, three error rates and two agreements; an exact 95 % interval wholly above
    # a bar of 5 % has a chance of at most 2.5 % even at the bar, where none of these lies.
    rows = measure(sized(120, full=2_000))
    assert len(rows) == 12
    assert [row["claim"] for row in rows if not row["met"]] == []
