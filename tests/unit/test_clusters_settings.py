"""What the `clusters` section refuses."""

import pytest
from pydantic import ValidationError

from eval_pipeline.settings import ClustersSettings


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"minimum": 9, "maximum": 8}, "`minimum` is 9, above `maximum` 8"),
        ({"minimum_conversations": 30, "minimum_size": 16}, "at least two of `minimum_size`"),
        ({"reference_weeks": ["2026-01-06"]}, "must be Mondays"),
        ({"least_term_conversations": 1}, "least_term_conversations"),
        ({"number": 5}, "Extra inputs"),
    ],
)
def test_a_section_that_cannot_hold_says_why(wrong, told):
    with pytest.raises(ValidationError, match=told):
        ClustersSettings.model_validate(wrong)


def test_by_default_no_network_is_asked():
    assert ClustersSettings().embeddings is None
