"""The page on providers: what it shows to configure can be configured."""

import re
from pathlib import Path
from typing import Any

import yaml

from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.settings import ProviderSettings, SystemSettings, WatchSettings

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


def shown(section: str) -> dict[str, Any]:
    """Everything under a section in the page's blocks of YAML."""
    blocks = re.findall(
        r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    trees = [yaml.safe_load(block).get(section, {}) for block in blocks]
    return {name: value for tree in trees for name, value in tree.items()}


def test_every_provider_on_the_page_is_a_provider() -> None:
    made = {
        name: ChatProvider(name, ProviderSettings.model_validate(entry), secret=lambda _: "key")
        for name, entry in shown("providers").items()
    }
    assert {provider.settings.api for provider in made.values()} == {
        "openai_chat",
        "openai_responses",
        "anthropic",
        "gemini",
    }
    assert {"azure", "vllm", "ollama", "gateway"} <= made.keys()
    assert made["azure"].headers["api-key"] == "key"


def test_the_systems_and_the_watch_on_the_page_are_sound() -> None:
    for entry in shown("systems").values():
        SystemSettings.model_validate(entry)
    assert WatchSettings.model_validate(shown("watch")).headers
