"""Examines a configured project part by part; every finding says how to mend it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from eval_pipeline.adapters.reachability import problem_reaching
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.access_findings import looked_at_access, looked_at_candidates
from eval_pipeline.flows.channel_findings import looked_at_channels, looked_at_telemetry
from eval_pipeline.flows.contamination import source_files
from eval_pipeline.flows.lake_files import examined_files
from eval_pipeline.flows.promotion import promotion_sentences
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.secret_values import secret_value
from eval_pipeline.settings import family_sentences, undeclared_families

State = Literal["ok", "warn", "fail"]
MINIMUM_KEY_LENGTH = 16
EXAMPLES = 3
EXAMPLE_CHARACTERS = 80


@dataclass(frozen=True)
class Finding:
    """What one part of the project looks like; `remedy` is empty where nothing is to do.

    `examples` are rows of masked text.
    """

    subject: str
    state: State
    detail: str
    remedy: str = ""
    examples: tuple[Mapping[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The finding for JSON."""
        return asdict(self)


def examine(pipeline: Pipeline) -> list[Finding]:
    """All findings; a part that fails does not hide the others."""
    parts: tuple[tuple[str, Callable[[Pipeline], Iterator[Finding]]], ...] = (
        ("configuration", _configuration),
        ("pseudonym key", _key),
        ("logs", _logs),
        ("providers", _providers),
        ("lake", _lake),
        ("lake files", _files),
        ("store", _store),
        ("access", _access),
        ("baseline", _promotions),
        ("candidates", _candidates),
        ("contamination sources", _sources),
        ("alerts", _channels),
        ("telemetry", _telemetry),
    )
    found: list[Finding] = []
    for subject, examined in parts:
        try:
            found += examined(pipeline)
        except EvalPipelineError as error:
            found.append(Finding(subject, "fail", str(error)))
    return found


def _configuration(pipeline: Pipeline) -> Iterator[Finding]:
    settings = pipeline.settings
    yield Finding(
        "configuration",
        "ok",
        f"{pipeline.project.file}: {len(settings.subsets)} subsets, {len(settings.judges)} judges "
        f"of {len({judge.family for judge in settings.judges.values()})} families",
    )
    yield from _families(pipeline)
    if not settings.anonymisation.custom_patterns:
        yield Finding(
            "anonymisation",
            "warn",
            "no custom patterns: user names and order numbers of your own are not recognised",
            "name them under `anonymisation.custom_patterns`",
        )


def _families(pipeline: Pipeline) -> Iterator[Finding]:
    settings = pipeline.settings
    for sentence in family_sentences(settings.judges, settings.systems):
        yield Finding("families", "warn", sentence, "take a judge of another family")
    for name in undeclared_families(settings.systems):
        yield Finding(
            "families",
            "warn",
            f"system '{name}': family not declared, so a judge may be of the same one",
            f"name who trained its model under `systems.{name}.family`",
        )


def _key(pipeline: Pipeline) -> Iterator[Finding]:
    variable = pipeline.settings.anonymisation.key_variable
    if len(pipeline.key) < MINIMUM_KEY_LENGTH:
        yield Finding(
            "pseudonym key",
            "fail",
            f"{variable} holds {len(pipeline.key)} characters; that can be guessed",
            f"export {variable}=$(openssl rand -hex 32), and keep it safe",
        )
    else:
        yield Finding("pseudonym key", "ok", f"{variable} is set")


def _logs(pipeline: Pipeline) -> Iterator[Finding]:
    weeks = pipeline.logs.weeks_available()
    if not weeks:
        yield Finding(
            "logs",
            "fail",
            f"no week found under {pipeline.settings.logs.path}",
            "check `logs.path` and `logs.format`",
        )
        return
    facts = pipeline.logs.profile(weeks[-1], now=pipeline.clock()).row(0, named=True)
    total = facts["interactions"] + facts["quarantined"]
    share = facts["quarantined"] / total if total else 0.0
    limit = pipeline.settings.contract.maximum_quarantined_share
    yield Finding(
        "logs",
        "ok" if share <= limit else "fail",
        f"{len(weeks)} weeks, {weeks[0]} to {weeks[-1]}; the last has {facts['interactions']} "
        f"interactions, {share:.2%} quarantined{_by_reason(facts, total=total)}",
        "" if share <= limit else "mend the rows, or raise `contract.maximum_quarantined_share`",
    )
    if secret_value(pipeline.settings.anonymisation.key_variable):
        yield _masked_rows(pipeline)


def _by_reason(facts: Mapping[str, Any], *, total: int) -> str:
    shares = [
        f"{each['reason']} {each['count'] / total:.2%}"
        for each in facts["quarantine_reasons"] or ()
    ]
    return f": {', '.join(shares)}" if shares else ""


def _masked_rows(pipeline: Pipeline) -> Finding:
    """Masks a few rows in memory: what fails here would fail in the weekly run."""
    week = pipeline.logs.weeks_available()[-1]
    rows = pipeline.logs.examples(week, count=EXAMPLES).rows(named=True)
    examples = tuple(_example(row, mask=pipeline.anonymiser.mask_text) for row in rows)
    return Finding(
        "masking", "ok", f"{len(examples)} rows of {week}, masked and shortened", examples=examples
    )


def _example(row: Mapping[str, Any], *, mask: Callable[[str], str]) -> dict[str, str]:
    return {
        "route": mask(row["route"]),
        "time": f"{row['occurred_at']:%Y-%m-%d %H:%M}",
        "user": _short(mask(_last_asked(row["messages"] or ()))),
        "response": _short(mask(row["response"] or "")),
    }


def _last_asked(messages: Sequence[Mapping[str, str]]) -> str:
    asked = [message["content"] for message in messages if message["role"] == "user"]
    return asked[-1] if asked else ""


def _short(text: str) -> str:
    """One line; masked before it is cut, so that no half of a name is left unrecognised."""
    line = " ".join(text.split())
    return line if len(line) <= EXAMPLE_CHARACTERS else f"{line[:EXAMPLE_CHARACTERS]}…"


def _providers(pipeline: Pipeline) -> Iterator[Finding]:
    for name, provider in sorted(pipeline.settings.providers.items()):
        variables = [provider.key_variable, *provider.header_variables.values()]
        unset = [variable for variable in variables if variable and not secret_value(variable)]
        if unset:
            yield Finding(
                f"provider {name}", "fail", f"{unset[0]} is not set", f"export {unset[0]}=..."
            )
            continue
        try:
            problem = problem_reaching(
                name,
                provider,
                secret=secret_value,
                network=pipeline.settings.network,
            )
        except EvalPipelineError as error:
            yield Finding(f"provider {name}", "fail", str(error))
            continue
        yield Finding(
            f"provider {name}",
            "ok" if problem is None else "fail",
            f"{provider.base_url} answers" if problem is None else problem,
            "" if problem is None else "check `base_url`, the key and the network",
        )


def _lake(pipeline: Pipeline) -> Iterator[Finding]:
    pipeline.lake.write_bytes("doctor.probe", b"eval-pipeline")
    pipeline.lake.delete("doctor.probe")
    yield Finding("lake", "ok", f"{pipeline.project.lake_url} can be written")


def _files(pipeline: Pipeline) -> Iterator[Finding]:
    """Reads the whole lake where it is a folder; an object store keeps checksums of its own."""
    if pipeline.lake.local_path("") is None:
        return
    examined = list(examined_files(pipeline))
    damaged = [problem for problem in examined if problem is not None]
    for problem in damaged:
        yield Finding("lake files", "fail", problem)
    if examined and not damaged:
        yield Finding("lake files", "ok", f"{len(examined)} partitions and versions are whole")


def _store(pipeline: Pipeline) -> Iterator[Finding]:
    _ = pipeline.store.engine
    yield Finding("store", "ok", "the operational store opens and has the present schema")


def _access(pipeline: Pipeline) -> Iterator[Finding]:
    yield from (Finding(*looked) for looked in looked_at_access(pipeline))


def _candidates(pipeline: Pipeline) -> Iterator[Finding]:
    yield from (Finding(*looked) for looked in looked_at_candidates(pipeline))


def _promotions(pipeline: Pipeline) -> Iterator[Finding]:
    for sentence in promotion_sentences(pipeline):
        yield Finding("baseline", "warn", sentence, "name the promoted system under `baseline`")


def _sources(pipeline: Pipeline) -> Iterator[Finding]:
    """A source that names no file fails here, before a decision rests on it."""
    files = source_files(pipeline)
    if files:
        yield Finding("contamination sources", "ok", f"{len(files)} files to search for items")


def _channels(pipeline: Pipeline) -> Iterator[Finding]:
    yield from (Finding(*looked) for looked in looked_at_channels(pipeline))


def _telemetry(pipeline: Pipeline) -> Iterator[Finding]:
    yield from (Finding(*looked) for looked in looked_at_telemetry(pipeline))
