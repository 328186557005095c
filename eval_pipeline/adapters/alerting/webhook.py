"""A message as JSON by a published schema, and its signature."""

import datetime as dt
import hashlib
import hmac
import json
from dataclasses import asdict
from importlib import resources
from typing import Any, Final

from eval_pipeline.monitoring.alerting.messages import AlertMessage

SCHEMA_VERSION: Final = 1
SCHEMA_FILE: Final = "alert.schema.json"
TIMESTAMP_HEADER: Final = "x-eval-pipeline-timestamp"
SIGNATURE_HEADER: Final = "x-eval-pipeline-signature"


def webhook_body(message: AlertMessage, *, sent_at: dt.datetime) -> bytes:
    """The message by `alert.schema.json`, as UTF-8."""
    content = {
        "schema_version": SCHEMA_VERSION,
        **asdict(message),
        "sent_at": sent_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode()


def signed_headers(body: bytes, *, secret: str | None, sent_at: dt.datetime) -> dict[str, str]:
    """Headers with the signature of time and body; none without a secret.

    The time is signed too, so that a receiver can refuse an old request that is sent again.
    """
    if secret is None:
        return {}
    timestamp = str(int(sent_at.timestamp()))
    return {
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: f"sha256={signature(body, secret=secret, timestamp=timestamp)}",
    }


def signature(body: bytes, *, secret: str, timestamp: str) -> str:
    """HMAC-SHA256 of `timestamp.body` with the secret, in hexadecimal."""
    signed = timestamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def alert_schema() -> dict[str, Any]:
    """The published JSON Schema of the body."""
    file = resources.files("eval_pipeline.adapters.alerting") / SCHEMA_FILE
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema
