"""The one YAML file, its policy alone, and a candidate's: settings, or every mistake located."""

import re
from typing import Final

from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.compare_files import read_policy
from eval_pipeline.settings import Settings
from eval_pipeline.settings_file import load_candidate, parse_settings
from tests.fuzz.target import Target, only, promise, stored, text_of, variant_of

VARIANTS: Final = ("settings", "policy", "candidate")
NAME: Final = "given.yaml"
_LOCATED: Final = re.compile(rf"[^\n]*{re.escape(NAME)}(?::(?P<line>[0-9]+))?: .+")


def run(data: bytes) -> object:
    """The text as the variant's file; a refusal names the file, and the line and key if it can."""
    variant, rest = variant_of(data, VARIANTS)
    with only(SettingsError) as told:
        match variant:
            case "settings":
                settings = parse_settings(text_of(rest), file=NAME)
                again = Settings.model_validate_json(settings.model_dump_json(by_alias=True))
                promise(again == settings, "settings read back as others")
                return settings.model_dump_json()
            case _:
                return _from_file(variant, rest)
    for message in told:
        text = message.partition(": ")[2]
        promise(NAME in text, f"a refusal that names no file: {text[:200]!r}")
        found = _LOCATED.match(text)
        if found is None:
            promise("cannot be read" in text, f"a refusal that names no line: {text[:200]!r}")
            continue
        lines = len(re.split("\r\n|[\r\n\x85\u2028\u2029]", text_of(rest)))
        promise(int(found["line"] or 1) <= lines + 1, "a line that the file does not have")
    return [variant, len(told), told]


def _from_file(variant: str, data: bytes) -> object:
    with stored(data, NAME) as file:
        if variant == "policy":
            return read_policy(file).model_dump_json()
        return load_candidate(file).model_dump_json()


_BOMB: Final = b"\n".join(
    [b"settings", b"a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]".encode() for n in range(1, 12)]
)
"""A thousand bytes that are a million million values once their aliases are written out."""

SETTINGS: Final = b"""settings
logs: {path: 'logs/{week}/*.jsonl', format: canonical}
anonymisation: {key_variable: KEY}
subsets:
  everything: {predicate: "route IS NOT NULL", why: "all", owner: ana}
providers:
  main: {base_url: "https://example.org/v1", key_variable: PROVIDER_KEY}
rubrics:
  well: {criteria: ["It is right."]}
judges:
  first: {provider: main, model: a, family: aa}
  second: {provider: main, model: b, family: bb}
systems:
  production: {provider: main, model: m, family: cc, prompt: ""}
baseline: production
gate:
  confidence: 0.95
  tolerances: {default: 0.10, everything: 0.05}
  looks: [400, 800]
automation: {first_week: 2026-11-16}
"""
TARGET: Final = Target(
    name="configuration",
    run=run,
    structure="yaml",
    variants=VARIANTS,
    examples=25,
    seeds=(
        SETTINGS,
        b"policy\ngate:\n  confidence: 2\n  tolerances:\n    default: no\n  looks: [1, x]\n",
        b"policy\nconfidence: 0.9\ntolerances: {default: 0.1}\naggregate_tolerance: 0.05\n",
        b"candidate\nprovider: main\nmodel: m\nfamily: cc\nparameters: {t: 0}\nprompt: >-\n  x\n",
        b"candidate\nnaive:\n  kind: template\n  routes:\n    default: {answer: '{{ n }}'}\n",
        b"candidate\nprovider_change: {system: production, recorded_week: 2026-11-16, seen: x}\n",
        b"candidate\na: 2026-02-30\n",
        b"candidate\n" + b"[" * 2_000,
        b"settings\na: &a [*a]\n",
        b"settings\n? [1]\n: 2\n",
        b"settings\n" + b"{a: " * 400,
        _BOMB,
    ),
    words=(*Settings.model_fields, "default", "tolerances", "looks", "confidence", "provider",
    "model",
           "family", "prompt", "parameters", "predicate", "owner", "why", "criteria", "levels",
           "naive",
           "kind", "routes", "answer", "pattern", "scorer", "path", "format", "base_url",
           "storage"),
)  # fmt: skip
