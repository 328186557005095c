"""Messages, receivers and frames that the tests of alerts share."""

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from eval_pipeline.evaluation.decision import Decision, SubsetFinding, decisions_with
from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.monitoring.alerting.messages import AlertMessage, MessageSection
from eval_pipeline.tables import DRIFT_SIGNALS, GATE_DECISION

NOON = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)
SECRET = "very-secret"
MESSAGE = AlertMessage(
    message_id="abc.1.team",
    type="alert",
    severity="page",
    title="eval-pipeline: Job 'refresh' failed for 2026-11-16",
    sections=(MessageSection("", ("step verdicts", "12 of 40 calls failed")),),
    kind="run_failed",
    subject="refresh/2026-11-16",
    next_step="Run it again.",
    link="http://127.0.0.1:3000/runs/1",
    runbook="docs/runbook.md#run-failed",
)


def event(**changes: Any) -> AlertEvent:
    values: dict[str, Any] = {
        "kind": "drift_alarm",
        "severity": "page",
        "subject": "assistant",
        "title": "'assistant' has drifted",
        "lines": ("all (rerun): -4.3 points",),
        "since": "2026-10-12",
    }
    return AlertEvent(**(values | changes))


def finding(subset: str, state: str, **changes: Any) -> SubsetFinding:
    values: dict[str, Any] = {
        "subset": subset, "state": state, "baseline_mean": 0.8, "candidate_mean": 0.7,
        "difference": -0.1, "lower": -0.15, "upper": -0.05, "margin": 0.05, "items": 100,
        "effective_items": 90.0, "clusters": 80, "wins": 5, "losses": 15, "p_noninferior": 0.9,
        "p_harm": 0.001, "missing_baseline": 1, "missing_candidate": 2, "looks": 1,
        "items_needed": None, "method": "test",
    }  # fmt: skip
    return SubsetFinding(**(values | changes))


def decision(candidate: str = "sharper", verdict: str = "block", **changes: Any) -> Decision:
    state = {"block": "blocked", "pass": "certified"}.get(verdict, "undecided")
    values: dict[str, Any] = {
        "decision_id": "d" * 32,
        "candidate": candidate,
        "baseline": "assistant",
        "golden_version": 1,
        "confidence": 0.95,
        "policy_fingerprint": "p" * 32,
        "verdict": verdict,
        "reasons": ("Ada looked at the drops: a private remark",),
        "judge_only": False,
        "aggregate": finding("all", "certified", difference=0.01, lower=-0.01, upper=0.03),
        "subsets": (finding("refunds", state), finding("hours", "certified")),
    }
    return Decision(**(values | changes)).identified()


def decisions(*made: Decision) -> pl.DataFrame:
    return pl.concat([decisions_with(GATE_DECISION.empty(), one) for one in made])


def signals(*rows: dict[str, Any]) -> pl.DataFrame:
    values = {
        "system_id": "assistant", "stream": "rerun", "subset": "all", "pinned_week": "2026-09-07",
        "value": 0.7, "mu0": 0.8, "sigma": 0.01, "shift": -0.1, "alarm": True,
        "alarm_since": "2026-10-12", "attribution": "provider", "items": 200, "missing": 0,
        "without_reference": 0, "finding": "alarm",
    }  # fmt: skip
    frame = pl.DataFrame([values | row for row in rows], schema_overrides=DRIFT_SIGNALS.schema)
    missing = [name for name in DRIFT_SIGNALS.schema if name not in frame.columns]
    return DRIFT_SIGNALS.conform(
        frame.with_columns(pl.lit(None, DRIFT_SIGNALS.schema[name]).alias(name) for name in missing)
    )


@dataclass
class Receiver:
    """An HTTP server on loopback: what came, and how the nth request is answered."""

    treat: Callable[[int], int] = lambda nth: 200
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{SECRET}"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.requests]

    def ids(self, since: int = 0) -> set[str]:
        """By which receivers know a message that came twice."""
        return {body["message_id"] for body in self.bodies[since:]}


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """The receiver, listening; requests still waiting at the end are let go."""
    ended, lock = threading.Event(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                receiver.requests.append((self.path, dict(self.headers), body))
                nth = len(receiver.requests)
            ended.wait(receiver.delay)
            try:
                self.send_response(receiver.treat(nth))
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *arguments: object) -> None:
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            ended.set()
            server.shutdown()
            thread.join()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, made here: an authority of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(tz=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True,
                content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "loopback.pem", folder / "loopback.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@dataclass
class Mailbox:
    """What an SMTP server was given; `answer` is what it says to the nth message."""

    answer: Callable[[int], str] = lambda nth: "250 OK"
    mails: list[Any] = field(default_factory=list)
    said: list[tuple[bool, str, list[str]]] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - the server calls it by this name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        self.said.append((session.ssl is not None, envelope.mail_from, envelope.rcpt_tos))
        self.mails.append(envelope.content)
        await asyncio.sleep(0)
        return self.answer(len(self.mails))


class _AnyPort(Controller):
    """Looks whether it runs at the port that it was given."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(
    mailbox: Mailbox, *, tls: tuple[Path, Path] | None = None, password: str | None = None
) -> Iterator[int]:
    """An SMTP server on loopback, with STARTTLS and sign-in if asked; its port."""
    options: dict[str, Any] = {}
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        options = {"tls_context": context, "require_starttls": True}

    def authenticate(server, session, envelope, mechanism, auth_data) -> AuthResult:
        good = (
            isinstance(auth_data, LoginPassword) and auth_data.password == (password or "").encode()
        )
        return AuthResult(success=good, handled=False)

    if password is not None:
        options |= {"authenticator": authenticate, "auth_required": True}
    controller = _AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
