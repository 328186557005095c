"""A model provider on the loopback interface: real HTTP, scripted models, planned trouble.

`python -m eval_pipeline.demo.server --port 0 --announce FILE` serves an OpenAI-style chat API.
Which requests are slow, limited or failed is derived from their content, so two runs agree; the
first attempt of a troubled request fails and the same request sent again succeeds.
"""

import asyncio
import json
import os
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eval_pipeline.demo.chat_completions import (
    ChatRequest,
    completion,
    error_body,
    model_list,
    read_chat_request,
)
from eval_pipeline.demo.load_limits import LoadLimits
from eval_pipeline.demo.models import ChatModel
from eval_pipeline.demo.server_options import load_models, read_options
from eval_pipeline.demo.trouble import Trouble

HOST = "127.0.0.1"
_PARENT_POLL_SECONDS = 1.0


@dataclass
class DemoProvider:
    """The provider's state: its models, its idea of now, and what it was asked so far."""

    models: Mapping[str, ChatModel]
    trouble: Trouble
    epoch: str
    key: str | None = None
    limits: LoadLimits = field(default_factory=LoadLimits)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        if not self._is_authorised(request):
            return self._counted("?", 401, error_body("Incorrect API key provided.", "auth"))
        body = await request.body()
        asked = read_chat_request(body)
        if asked is None:
            return self._counted("?", 400, error_body("The body is no chat request.", "invalid"))
        model = self.models.get(asked.model)
        if model is None:
            message = f"The model `{asked.model}` does not exist."
            return self._counted("?", 404, error_body(message, "model_not_found"))
        return await self._serve(asked, model, body)

    async def _serve(self, asked: ChatRequest, model: ChatModel, body: bytes) -> Response:
        identity = self.trouble.identify(body)
        limited = self.limits.fault_at(asyncio.get_running_loop().time())
        fault = limited or self.trouble.fault_of(identity)
        if fault is not None:
            content = error_body(fault.message, fault.code)
            return self._counted(asked.model, fault.status, content, headers=fault.headers)
        async with self.limits.worker():
            await asyncio.sleep(self.trouble.latency_of(identity))
        answer = model.answer(asked.messages, epoch=self.epoch)
        content = completion(asked, answer, identity=identity, epoch=self.epoch)
        return self._counted(asked.model, 200, content, headers=self.limits.headers())

    async def list_models(self, request: Request) -> Response:
        """GET /v1/models."""
        if not self._is_authorised(request):
            return _json(401, error_body("Incorrect API key provided.", "auth"))
        return _json(200, model_list(self.models))

    async def set_epoch(self, request: Request) -> Response:
        """POST /admin/epoch: moves the provider's now, without a word to its customers."""
        try:
            epoch = json.loads(await request.body())["epoch"]
        except (ValueError, KeyError, TypeError):
            return _json(400, error_body('The body must be {"epoch": "YYYY-MM-DD"}.', "invalid"))
        self.epoch = str(epoch)
        return _json(200, {"epoch": self.epoch})

    async def stats(self, request: Request) -> Response:
        """GET /admin/stats: requests by model and status."""
        del request
        requests: dict[str, dict[str, int]] = {}
        for (model, status), count in sorted(self.answered.items()):
            requests.setdefault(model, {})[str(status)] = count
        return _json(200, {"epoch": self.epoch, "requests": requests})

    def application(self) -> Starlette:
        """The provider as an ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/models", self.list_models),
                Route("/admin/epoch", self.set_epoch, methods=["POST"]),
                Route("/admin/stats", self.stats),
            ]
        )

    def _is_authorised(self, request: Request) -> bool:
        return self.key is None or request.headers.get("authorization") == f"Bearer {self.key}"

    def _counted(
        self,
        model: str,
        status: int,
        content: Mapping[str, object],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        self.answered[model, status] += 1
        return _json(status, content, headers=headers)


class _AnnouncingServer(uvicorn.Server):
    """Tells where it listens once it does."""

    def __init__(self, config: uvicorn.Config, *, announce: Path | None) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Announces after the socket accepts, never before."""
        await super().startup(sockets=sockets)
        if self.started and self._announce is not None:
            port = self.servers[0].sockets[0].getsockname()[1]
            announcement = {"base_url": f"http://{HOST}:{port}/v1", "pid": os.getpid()}
            temporary = self._announce.with_name(self._announce.name + ".tmp")
            temporary.write_text(json.dumps(announcement), encoding="utf-8")
            temporary.replace(self._announce)


async def serve(server: uvicorn.Server, *, parent: int | None) -> None:
    """Serves until told to stop, or until the parent that it was told of is gone."""
    if parent is not None:
        _watch(server, parent=parent)
    await server.serve()


def _watch(server: uvicorn.Server, *, parent: int) -> None:
    """Stops the server once its parent is gone, by looking every second."""
    if os.getppid() != parent:
        server.should_exit = True
        return
    later = asyncio.get_running_loop().call_later
    later(_PARENT_POLL_SECONDS, lambda: _watch(server, parent=parent))


def _json(
    status: int, content: Mapping[str, object], *, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(),
        status_code=status,
        media_type="application/json",
        headers=dict(headers) if headers else None,
    )


def main() -> None:
    """The command line."""
    options = read_options()
    provider = DemoProvider(
        models=load_models(options),
        trouble=options.trouble,
        epoch=options.epoch,
        key=options.key,
        limits=options.limits,
    )
    config = uvicorn.Config(
        provider.application(),
        host=HOST,
        port=options.port,
        lifespan="off",
        access_log=False,
        log_level="warning",
        backlog=1024,
    )
    server = _AnnouncingServer(config, announce=options.announce)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(serve(server, parent=options.parent))


if __name__ == "__main__":
    main()
