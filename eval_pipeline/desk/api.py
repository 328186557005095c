"""The HTTP API in one table; a personal token authorises it, a cookie never does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from eval_pipeline import __version__
from eval_pipeline.desk import api_handlers as handlers
from eval_pipeline.desk.access import Access
from eval_pipeline.desk.api_handlers import PREFIX, note_api_route
from eval_pipeline.desk.api_models import Problem
from eval_pipeline.desk.doors import problem_of
from eval_pipeline.desk.problems import NOT_VALID, SENTENCES, ProblemError
from eval_pipeline.desk.services import Services

_ALWAYS: Final = (400, 401, 413, 422, 429, 503)
_OF_A_LEASE: Final = (*_ALWAYS, 403, 404, 409)


@dataclass(frozen=True)
class ApiRoute:
    """One address of the API, who may ask for it, and which refusals it documents."""

    method: Literal["GET", "POST"]
    path: str
    handler: Callable[..., Any]
    refusals: tuple[int, ...] = _OF_A_LEASE
    access: Access = Access.AT_THE_DESK


API: Final = (
    ApiRoute("GET", "/me", handlers.me, _ALWAYS),
    ApiRoute("GET", "/progress", handlers.progress, _ALWAYS),
    ApiRoute("GET", "/answers", handlers.answers, _ALWAYS),
    ApiRoute("POST", "/leases", handlers.lease_next, (*_ALWAYS, 403)),
    ApiRoute("GET", "/leases/{lease_id}", handlers.held),
    ApiRoute("POST", "/leases/{lease_id}/answer", handlers.answer),
    ApiRoute("POST", "/leases/{lease_id}/heartbeat", handlers.heartbeat),
    ApiRoute("POST", "/leases/{lease_id}/skip", handlers.skip),
    ApiRoute("POST", "/leases/{lease_id}/release", handlers.release),
    ApiRoute("POST", "/leases/{lease_id}/undo", handlers.undo),
    ApiRoute("POST", "/leases/{lease_id}/reveal", handlers.reveal),
)


def build_api(services: Services) -> FastAPI:
    """The API with its description at `/openapi.json`, which anyone may read."""
    api = FastAPI(
        title="Review desk",
        version=__version__,
        description="Lease a task, answer it, go on. Every refusal has a code and a sentence.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        redirect_slashes=False,
    )
    api.state.services = services
    for route in API:
        api.add_api_route(
            route.path,
            route.handler,
            methods=[route.method],
            operation_id=route.handler.__name__,
            summary=(route.handler.__doc__ or "").split(".")[0].split(";")[0],
            responses=_replies(route),
        )
    _name_choices(api, [name for name, _ in services.work.failure_modes()])
    api.add_exception_handler(RequestValidationError, _not_valid)
    for error in (ProblemError, HTTPException, Exception):
        api.add_exception_handler(error, _problem)
    return api


def _replies(route: ApiRoute) -> dict[int | str, dict[str, Any]]:
    """The refusals and, of a lease, where its id goes on."""
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": SENTENCES[status][1]}
        for status in sorted(route.refusals)
    }
    if route.handler is not handlers.lease_next:
        return refusals
    links = {
        after.handler.__name__: {
            "operationId": after.handler.__name__,
            "parameters": {"lease_id": "$response.body#/task/lease_id"},
        }
        for after in API
        if "{lease_id}" in after.path
    }
    return {200: {"links": links}, **refusals}


def _name_choices(api: FastAPI, failure_modes: list[str]) -> None:
    """Lists this project's failure modes in the description, which is made once."""
    answer = api.openapi()["components"]["schemas"]["AnswerIn"]["properties"]
    answer["failure_mode"] = {
        "enum": [*failure_modes, None],
        "description": "One of the project's subsets, null if none fits.",
    }


def problem_reply(problem: ProblemError, *, headers: dict[str, str] | None = None) -> JSONResponse:
    """The refusal as JSON."""
    content = {"code": problem.code, "message": problem.message}
    return JSONResponse(content, problem.status, headers=problem.headers | (headers or {}))


def _problem(_request: Request, error: Exception) -> Response:
    own = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return problem_reply(problem_of(error), headers=own)


def _not_valid(request: Request, error: Exception) -> Response:
    """Which field, and what it must be; never what was sent."""
    note_api_route(request)
    details = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(
        f"{'.'.join(map(_plain, detail['loc']))}: {_plain(detail['msg'])}" for detail in details[:5]
    )
    return problem_reply(ProblemError(NOT_VALID, message=told))


def _plain(part: object) -> str:
    return str(part)[:80].encode("ascii", "replace").decode()
