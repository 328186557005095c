"""One file masked into another: streamed, in several processes, whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

from eval_pipeline.adapters.text_files.failures import (
    AnonymiseRequestError,
    BadLinesError,
    MaskingFailedError,
    PersonalKeysError,
    ResidualFileError,
    UnknownFieldError,
)
from eval_pipeline.adapters.text_files.field_paths import FieldChoice, Path, parse_path, spelt
from eval_pipeline.adapters.text_files.json_text import Reading
from eval_pipeline.adapters.text_files.parquet import ParquetRows
from eval_pipeline.adapters.text_files.records import Places
from eval_pipeline.adapters.text_files.streams import (
    COMPRESSIONS,
    STANDARD,
    FileFormat,
    Input,
    check_output,
    format_of,
    opened_input,
    opened_output,
)
from eval_pipeline.anonymisation.allowance import EVERY_ROUTE
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.masked_batches import (
    FORMATS,
    Explained,
    FailedBatch,
    MaskedBatch,
    MaskingPlan,
)
from eval_pipeline.flows.masking_tally import Tally
from eval_pipeline.flows.worker_pool import masked_batches
from eval_pipeline.settings import AnonymisationSettings

SMALL_BYTES: Final = 512 * 1024
"""A smaller file is done before workers have started."""

Progress = Callable[[int, int | None, int], None]
"""Called with bytes read, bytes in all (None if unknown) and records masked."""


@dataclass(frozen=True)
class AnonymiseRequest:
    """What to mask, how, and where to; `-` is standard input or output.

    Paths in `settings` are absolute, or start from the current folder.
    """

    source: str
    target: str
    settings: AnonymisationSettings
    key: bytes
    file_format: FileFormat | None = None
    fields: Sequence[str] = ()
    route: str | None = None
    route_field: str | None = None
    conversation_field: str | None = None
    processes: int = 1
    skip_bad_lines: bool = False
    keep_keys: bool = False
    explain: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class AnonymisedFile:
    """What came of it: counts, never text."""

    tally: Tally
    file_format: FileFormat
    anonymiser_fingerprint: str


def anonymise_file(
    request: AnonymiseRequest,
    *,
    progress: Progress,
    explained: Callable[[Explained], None] | None = None,
) -> AnonymisedFile:
    """Writes the target once all is masked and scanned again; raises and leaves nothing if not.

    The bytes do not depend on the number of processes. Memory is a few batches, or the longest
    conversation.
    """
    file_format = _format(request)
    check_output(request.source, request.target, overwrite=request.overwrite)
    plan = _plan(request, file_format)
    tally = Tally()
    anonymiser = plan.anonymiser()
    _check_parquet(request, plan, tally=tally, anonymiser=anonymiser)
    handler = FORMATS[file_format]
    with opened_input(request.source) as source, opened_output(request.target) as output:
        writer = handler.writer(output, source)
        batches = handler.batches(source, plan.places, seen=tally.seen)
        few = _is_small(source)
        processes = 1 if few else request.processes
        found = masked_batches(batches, plan, processes=processes, anonymiser=anonymiser)
        with closing(found), _words_withheld(tally):
            for batch in _sound(found):
                tally.add(batch.tally)
                if explained is not None:
                    for change in batch.explained:
                        explained(change)
                if not _spoilt(request, tally):
                    writer.write(batch.payload)
                progress(source.position(), source.size, tally.records)
        _check(request, plan, tally=tally)
        writer.finish()
        output.keep()
    return AnonymisedFile(tally, file_format, anonymiser.fingerprint)


@contextmanager
def _words_withheld(tally: Tally) -> Iterator[None]:
    """Turns what nobody foresaw into an error that cannot quote the text."""
    try:
        yield
    except (EvalPipelineError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - its words may quote the text
        raise MaskingFailedError(type(error).__name__, tally.records + 1) from None


def _is_small(source: Input) -> bool:
    compressed = source.name.endswith(tuple(COMPRESSIONS))
    return source.size is not None and source.size < SMALL_BYTES and not compressed


def _sound(found: Iterator[MaskedBatch | FailedBatch]) -> Iterator[MaskedBatch]:
    for batch in found:
        if isinstance(batch, FailedBatch):
            raise MaskingFailedError(batch.cause, batch.record)
        yield batch


def _format(request: AnonymiseRequest) -> FileFormat:
    told = request.file_format or format_of(request.source)
    if told is None and request.source == STANDARD:
        told = format_of(request.target) or "jsonl"
    if told is None:
        raise AnonymiseRequestError(
            f"{request.source}: the ending does not tell the format. Nothing was read. "
            "Say --format jsonl, parquet or text."
        )
    target = format_of(request.target)
    if request.file_format is None and target not in {None, told}:
        raise AnonymiseRequestError(
            f"{request.target} has the ending of another format than the input ({told}). Nothing "
            "was read. The format stays; give the output the same ending, or say --format."
        )
    compressed = [
        name for name in (request.source, request.target) if name.endswith(tuple(COMPRESSIONS))
    ]
    if told == "parquet" and compressed:
        raise AnonymiseRequestError(
            f"{compressed[0]}: Parquet compresses inside the file. Nothing was read. "
            "Name files without .gz or .zst."
        )
    return told


def _plan(request: AnonymiseRequest, file_format: FileFormat) -> MaskingPlan:
    named = [*request.fields, request.route_field, request.conversation_field]
    if file_format == "text" and any(named):
        raise AnonymiseRequestError(
            "Plain text has no fields: --field, --route-field and --conversation-field are for "
            "JSON lines and Parquet. Nothing was read."
        )
    if request.route is not None and request.route_field is not None:
        raise AnonymiseRequestError("Say --route or --route-field, not both. Nothing was read.")
    return MaskingPlan(
        settings=request.settings,
        key=request.key,
        file_format=file_format,
        chosen=tuple(parse_path(text, option="--field") for text in request.fields),
        places=Places(
            conversation=_single(request.conversation_field, option="--conversation-field"),
            route=_single(request.route_field, option="--route-field"),
        ),
        route=request.route or EVERY_ROUTE,
        explain=request.explain,
    )


def _single(text: str | None, *, option: str) -> Path | None:
    if text is None:
        return None
    path = parse_path(text, option=option)
    if None in path:
        raise AnonymiseRequestError(
            f"{option}: '{text}' goes into a list; a record has one value there. Nothing was read."
        )
    return path


def _check_parquet(
    request: AnonymiseRequest, plan: MaskingPlan, *, tally: Tally, anonymiser: Anonymiser
) -> None:
    handler = FORMATS[plan.file_format]
    if isinstance(handler, ParquetRows):
        choice = FieldChoice(plan.chosen)
        handler.check(request.source, Reading(anonymiser.sensitive_kind, choice))
        tally.seen |= choice.seen


def _spoilt(request: AnonymiseRequest, tally: Tally) -> bool:
    """Whether nothing will be kept; the rest is read for the counts."""
    bad = bool(tally.bad_lines) and not request.skip_bad_lines
    return bad or bool(tally.residual) or (bool(tally.keys) and not request.keep_keys)


def _check(request: AnonymiseRequest, plan: MaskingPlan, *, tally: Tally) -> None:
    if tally.residual:
        raise ResidualFileError(
            tally.residual, tally.residual_conversations, tally.residual_numbers
        )
    if tally.bad_lines and not request.skip_bad_lines:
        raise BadLinesError(tally.bad_lines.total(), tally.bad_numbers, tally.bad_lines)
    if tally.keys and not request.keep_keys:
        raise PersonalKeysError(tally.keys)
    wanted = [("--field", path) for path in plan.chosen]
    wanted += [
        (option, path)
        for option, path in (
            ("--conversation-field", plan.places.conversation),
            ("--route-field", plan.places.route),
        )
        if path is not None
    ]
    for option, path in wanted:
        if path not in tally.seen and tally.records:
            raise UnknownFieldError(option, spelt(path), tally.records)
