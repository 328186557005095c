"""The batch APIs of the configured providers, each opened when it is first needed."""

import datetime as dt
import time
from collections.abc import Callable, Mapping

from eval_pipeline.adapters.batches.anthropic import AnthropicBatches
from eval_pipeline.adapters.batches.api import BatchApi
from eval_pipeline.adapters.batches.gemini import LARGEST_OPERATION_BYTES, GeminiBatches
from eval_pipeline.adapters.batches.openai import OpenAiBatches
from eval_pipeline.adapters.batches.sending import BatchDesk
from eval_pipeline.adapters.batches.wire import BatchWire
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.settings import BatchSettings, ProviderApi

APIS: Mapping[ProviderApi, Callable[[BatchWire], BatchApi]] = {
    "openai_chat": OpenAiBatches,
    "openai_responses": OpenAiBatches,
    "anthropic": AnthropicBatches,
    "gemini": GeminiBatches,
}


class Desks:
    """Providers with their batch APIs; `close` closes the connections."""

    def __init__(
        self,
        providers: Mapping[str, ChatProvider],
        *,
        clock: Callable[[], dt.datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._providers = providers
        self._clock = clock
        self._sleep = sleep
        self._open: dict[str, tuple[BatchDesk, BatchWire]] = {}

    def of(self, name: str) -> BatchDesk:
        """The provider's; the same one each time."""
        if name not in self._open:
            provider = self._providers[name]
            # Gemini's answers come inside of one object.
            largest = LARGEST_OPERATION_BYTES if provider.settings.api == "gemini" else None
            wire = BatchWire(
                provider, clock=self._clock, sleep=self._sleep, largest_object_bytes=largest
            )
            # A batch that was sent is waited for even where batches were switched off since.
            settings = provider.settings.batch or BatchSettings()
            self._open[name] = (
                BatchDesk(provider, APIS[provider.settings.api](wire), settings),
                wire,
            )
        return self._open[name][0]

    def close(self) -> None:
        """Closes what was opened."""
        for _, wire in self._open.values():
            wire.close()
