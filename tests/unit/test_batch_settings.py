"""Settings of batches that could never work are refused when the configuration is loaded."""

from typing import Any

import pytest
from pydantic import ValidationError

from eval_pipeline.settings import BatchSettings, ProviderSettings


def provider(**changes: Any) -> ProviderSettings:
    return ProviderSettings(**({"base_url": "https://api.example.com/v1"} | changes))


def test_batches_are_off_unless_configured() -> None:
    assert provider().batch is None


def test_a_configured_batch_is_for_weekly_work_at_half_the_price() -> None:
    batch = provider(batch={}).batch
    assert batch is not None
    assert batch.spenders == ("refresh", "drift")
    assert batch.price_share == 0.5


def test_a_batch_that_can_never_be_filled_is_refused() -> None:
    with pytest.raises(ValidationError, match="no batch could ever be sent"):
        BatchSettings(minimum_calls=100, maximum_calls=99)


def test_an_address_for_each_model_cannot_take_batches() -> None:
    with pytest.raises(ValidationError, match="one address for all models"):
        provider(base_url="https://api.example.com/{model}/v1", batch={})
