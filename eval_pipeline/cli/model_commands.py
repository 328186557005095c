"""Beside `anonymise`: a model of names from own labelled text, hashes of known values."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer

from eval_pipeline.adapters.text_files.failures import (
    AnonymiseRequestError,
    MaskingFailedError,
    UnreadableFileError,
)
from eval_pipeline.adapters.text_files.streams import (
    STANDARD,
    check_output,
    opened_input,
    opened_output,
    reading,
)
from eval_pipeline.anonymisation.names.labelled_text import Sentence, read_conll, read_spans
from eval_pipeline.cli.options import ConfigOption
from eval_pipeline.cli.session import err, out
from eval_pipeline.errors import EvalPipelineError, MissingEnvironmentError
from eval_pipeline.secret_values import secret_value
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.settings.anonymisation import Language
from eval_pipeline.settings_file import default_config_path, load_section

_READERS: Final = {"conll": read_conll, "jsonl": read_spans}


def train(
    language: Annotated[Language, typer.Option(help="The language of the texts.")] = "en",
    extra: Annotated[
        list[str] | None,
        typer.Option(help="Labelled text of your own, as conll:PATH or jsonl:PATH; repeatable."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", help="The model; default: names_LANGUAGE.tsv.bz2.")
    ] = None,
    check: Annotated[  # noqa: FBT002 - a Typer flag
        bool,
        typer.Option(
            "--check", help="Write nothing: exit 1 unless --out, or the shipped model, is this."
        ),
    ] = False,
    overwrite: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--overwrite", help="Replace the model if it exists.")
    ] = False,
) -> None:
    """Train the model of names, with your own labelled text if you have some.

    The same texts give the same bytes, so --check tells whether a model is what it claims to be.
    """
    from eval_pipeline.anonymisation.names.training import train as trained  # noqa: PLC0415 - slow

    file = target or (_shipped(language) if check else Path(f"names_{language}.tsv.bz2"))
    if check and not file.is_file():
        raise UnreadableFileError(str(file), "there is no such file", "Name the model by --out.")
    if not check:
        check_output(STANDARD, str(file), overwrite=overwrite)
        file.parent.mkdir(parents=True, exist_ok=True)
    sentences = [sentence for text in extra or () for sentence in _labelled(text)]
    try:
        model = trained(language=language, extra=sentences, report=_say)
    except ModuleNotFoundError as error:
        raise EvalPipelineError(
            f"Training needs the package '{error.name}', which is not installed. Nothing was "
            "written. Install it: pip install 'eval-pipeline[train]'."
        ) from None
    if check:
        same = file.read_bytes() == model
        out.print(
            f"{file} is what training gives."
            if same
            else f"{file} is not what training gives: other texts, another version, or changed.",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(0 if same else 1)
    with opened_output(str(file)) as output:
        output.stream.write(model)
        output.keep()
    out.print(
        f"Wrote {file} ({len(model):,} bytes; {len(sentences):,} sentences of your own).",
        markup=False,
        soft_wrap=True,
    )


def hash_known_values(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="One known value a line; - for stdin.")
    ],
    target: Annotated[str, typer.Argument(metavar="OUT", help="The hashes; - for stdout.")],
    config: ConfigOption = None,
    overwrite: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--overwrite", help="Replace OUT if it exists.")
    ] = False,
) -> None:
    """Turn known values of real people into keyed hashes that the leak check can carry."""
    check_output(source, target, overwrite=overwrite)
    key = _key(config)
    from eval_pipeline.anonymisation.checks.known_values import (  # noqa: PLC0415 - as `train`
        hash_known_values as hashed,
    )

    count = 0
    with opened_input(source) as opened, opened_output(target) as output:
        lines = (_text(line, opened.name) for line in opened.stream)
        try:
            with reading(opened.name):
                for line in hashed(lines, key=key):
                    output.stream.write(f"{line}\n".encode())
                    count += 1
        except ValueError as error:
            # Its words may quote the value.
            raise MaskingFailedError(type(error).__name__, count + 1) from None
        output.keep()
    err.print(f"Wrote {count:,} hashes. Only the holder of the key can match them.")


def _shipped(language: Language) -> Path:
    folder = resources.files("eval_pipeline.anonymisation.names") / "models"
    return Path(str(folder / f"names_{language}.tsv.bz2"))


def _say(progress: str) -> None:
    err.print(progress, markup=False)


def _labelled(option: str) -> list[Sentence]:
    form, separator, path = option.partition(":")
    if not separator or form not in _READERS or not path:
        raise AnonymiseRequestError(
            f"--extra: '{option}' is neither conll:PATH nor jsonl:PATH. Nothing was trained."
        )
    with opened_input(path) as opened, reading(opened.name):
        return _READERS[form](_text(line, opened.name) for line in opened.stream)


def _text(line: bytes, name: str) -> str:
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UnreadableFileError(name, "it is not UTF-8") from None


def _key(config: Path | None) -> bytes:
    file = config or default_config_path()
    settings = AnonymisationSettings()
    if config is not None or file.exists():
        settings = load_section(file, "anonymisation", AnonymisationSettings)
    key = secret_value(settings.key_variable)
    if not key:
        raise MissingEnvironmentError(settings.key_variable, "the key of the hashes")
    return key.encode()
