"""`eval-pipeline shadow serve`: the mirror before the baseline's provider."""

import contextlib
import logging
from typing import Annotated, Any

import typer

from eval_pipeline.cli.options import CandidateOption, ConfigOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import MirrorAddressError, SettingsError
from eval_pipeline.flows.candidates import Candidate, resolve_candidate
from eval_pipeline.settings import ShadowSettings


def serve(
    candidate: CandidateOption,
    config: ConfigOption = None,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on; default: `shadow.host`.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="The port; 0 takes a free one; default: `shadow.port`."
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            "--share", help="Of the conversations, from above 0 to 1; see `shadow.share`."
        ),
    ] = None,
    maximum_in_flight: Annotated[
        int | None,
        typer.Option("--maximum-in-flight", help="See `shadow.maximum_in_flight`."),
    ] = None,
    maximum_usd: Annotated[
        float | None, typer.Option("--maximum-usd", help="See `shadow.maximum_usd`.")
    ] = None,
) -> None:
    """Forward requests to the baseline and mirror a share of them to the candidate."""
    session = Session(config)
    resolved = resolve_candidate(session.project, candidate)
    asked = {
        "host": host,
        "share": share,
        "maximum_in_flight": maximum_in_flight,
        "maximum_usd": maximum_usd,
    }
    settings = _with(session.project.settings.shadow, asked)
    _require_token(settings)
    _serve(session, resolved, settings, port=settings.port if port is None else port)


def _with(settings: ShadowSettings, asked: dict[str, Any]) -> ShadowSettings:
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        return ShadowSettings.model_validate(settings.model_dump() | given)
    except ValueError:
        told = ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items())
        raise SettingsError(
            f"{told}: out of the bounds that `shadow` allows: a share above 0 and up to 1, 1 to "
            "256 in flight, more than 0 USD. Nothing was started."
        ) from None


def _require_token(settings: ShadowSettings) -> None:
    """Whoever reaches the mirror asks on the baseline's key."""
    from eval_pipeline.desk.server import is_loopback  # noqa: PLC0415 - takes half a second

    if settings.token_variable is None and not is_loopback(settings.host):
        raise SettingsError(
            f"The mirror was to listen on {settings.host} without a token: everybody who reaches "
            "it would ask on your key. Nothing was started. Set `shadow.token_variable`, or "
            "listen on 127.0.0.1."
        )


def _serve(session: Session, candidate: Candidate, settings: ShadowSettings, *, port: int) -> None:
    # uvicorn takes half a second to import, and few commands need it.
    from eval_pipeline.desk.server import serve as serve_app  # noqa: PLC0415
    from eval_pipeline.mirror.opening import open_app  # noqa: PLC0415

    _log_plainly()

    def started(actual_port: int) -> None:
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        for line in (
            f"Mirror: http://{shown}:{actual_port}/v1",
            f"Forwards to '{candidate.baseline_id}'.",
            f"Asks '{candidate.candidate_id}' {100 * settings.share:g} % of conversations too.",
            f"Then: eval-pipeline shadow run --live --candidate {candidate.candidate_id}",
        ):
            out.print(line, soft_wrap=True, markup=False)

    with contextlib.closing(session.pipeline) as pipeline:
        app = open_app(pipeline, candidate, settings)
        if not serve_app(app, host=settings.host, port=port, started=started):
            raise MirrorAddressError(settings.host, port)


def _log_plainly() -> None:
    """Warnings only, and none of them holds anything of a request."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name in ("eval_pipeline.mirror", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
