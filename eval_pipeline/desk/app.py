"""The desk as one ASGI application: pages, API and static files behind the same doors."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Final

import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from eval_pipeline.desk.api import build_api, problem_reply
from eval_pipeline.desk.api_handlers import PREFIX
from eval_pipeline.desk.doors import endpoint_of, problem_of, problem_page
from eval_pipeline.desk.middleware import STATIC as STATIC_PATH
from eval_pipeline.desk.middleware import BoundedBody, Envelope, KnownHosts
from eval_pipeline.desk.problems import ProblemError
from eval_pipeline.desk.routes import PAGES
from eval_pipeline.desk.services import Services
from eval_pipeline.desk.templating import STATIC
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import DeskSettings

THREADS: Final = 6
"""Requests at work at once: they share one interpreter, and each may hold a store's connection."""
_ALWAYS_KNOWN: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def build_app(
    pipeline: Pipeline,
    *,
    clock: Callable[[], dt.datetime] | None = None,
    host: str | None = None,
) -> Starlette:
    """The desk over this pipeline's store; the store and the anonymiser are loaded now.

    `clock` is the pipeline's own by default, `host` the one that it listens on where that is not
    `desk.host`. The pipeline stays its owner's to close.
    """
    services = Services.of(pipeline, clock=clock or pipeline.clock)
    services.work.warm_up()
    settings = services.settings
    pages = [
        Route(route.path, endpoint_of(route, services), methods=[route.method]) for route in PAGES
    ]
    app = Starlette(
        routes=[
            *pages,
            Mount(STATIC_PATH, StaticFiles(directory=STATIC)),
            Mount(PREFIX, build_api(services)),
        ],
        middleware=[
            Middleware(Envelope, behind_tls=settings.behind_tls),
            Middleware(KnownHosts, hosts=known_hosts(settings, host=host), refuse=refuse),
            Middleware(BoundedBody, refuse=refuse),
        ],
        exception_handlers={Exception: _failed, 404: _failed, 405: _failed, 400: _failed},
        lifespan=_lifespan,
    )
    app.state.services = services
    app.router.redirect_slashes = False
    return app


def known_hosts(settings: DeskSettings, *, host: str | None = None) -> frozenset[str]:
    """The names under which the desk answers."""
    return _ALWAYS_KNOWN | {host or settings.host, *settings.allowed_hosts}


def refuse(request: Request, problem: ProblemError) -> Response:
    """A refusal in the form that the address speaks: JSON under the API, else a page."""
    if request.url.path.startswith(f"{PREFIX}/"):
        return problem_reply(problem)
    return problem_page(request, problem)


def _failed(request: Request, error: Exception) -> Response:
    return refuse(request, problem_of(error))


@contextlib.asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
