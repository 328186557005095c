"""What tokens and cookies are made of, how they are looked up, and what a failure leaves behind.

A token reads `evp_<token id>_<secret>`. Secrets are 256 random bits, so that one round of SHA-256
keeps them: there is nothing to guess that a slow hash would have to protect.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from typing import Final

import sqlalchemy as sa

from eval_pipeline.adapters.audit import leave_trace
from eval_pipeline.adapters.review.people import annotator_of
from eval_pipeline.adapters.review.records import Annotator
from eval_pipeline.adapters.schema import annotators, audit_trail, desk_sessions, desk_tokens
from eval_pipeline.adapters.store import Store, read_utc, utc

PREFIX: Final = "evp"
LONGEST_TEXT: Final = 120
TOLD_FAILURES: Final = 10
"""Among the newest entries of the audit trail at most so many of a minute are failed sign-ins."""

_NEWEST: Final = 50
_SECRET_BYTES: Final = 32
_NO_HASH: Final = "0" * 64
_UNKNOWN: Final = "unknown"

PERSON_QUERY = sa.select(annotators).where(
    annotators.c.annotator_id == sa.bindparam("annotator_id", type_=sa.String)
)
TOKEN_QUERY = (
    sa.select(
        annotators,
        desk_tokens.c.secret_hash,
        desk_tokens.c.revoked_at,
        desk_tokens.c.expires_at.label("token_expires_at"),
    )
    .join(desk_tokens, desk_tokens.c.annotator_id == annotators.c.annotator_id)
    .where(desk_tokens.c.token_id == sa.bindparam("token_id", type_=sa.String))
)
SESSION_QUERY = (
    sa.select(
        annotators,
        desk_sessions.c.ended_at,
        desk_sessions.c.expires_at.label("session_expires_at"),
        desk_tokens.c.revoked_at,
        desk_tokens.c.expires_at.label("token_expires_at"),
    )
    .join(desk_sessions, desk_sessions.c.annotator_id == annotators.c.annotator_id)
    .outerjoin(desk_tokens, desk_tokens.c.token_id == desk_sessions.c.token_id)
    .where(desk_sessions.c.session_hash == sa.bindparam("session_hash", type_=sa.String))
)
_NEWEST_ENTRIES = (
    sa.select(audit_trail.c.action, audit_trail.c.at)
    .order_by(audit_trail.c.entry.desc())
    .limit(_NEWEST)
)


def new_secret() -> str:
    """256 random bits as text that fits into a cookie and a header."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def new_token_id() -> str:
    """The public half of a token: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def text_of_token(token_id: str, secret: str) -> str:
    """The token as its owner gets it."""
    return f"{PREFIX}_{token_id}_{secret}"


def token_parts(text: str) -> tuple[str, str]:
    """The id and the secret of a token's text; both empty where it is none."""
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    return (token_id, secret) if prefix == PREFIX and well_formed(text) else ("", "")


def well_formed(text: str) -> bool:
    """Whether it could be a token or a cookie's secret at all."""
    return 0 < len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable()


def printable(text: str) -> str:
    """The text, or nothing where it holds what no id holds and no database takes."""
    return text if text.isprintable() else ""


def hash_of(secret: str) -> str:
    """What is stored of a secret: SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same_secret(secret: str, secret_hash: str | None) -> bool:
    """Compares in constant time; without a hash too, so that an unknown id takes as long."""
    same = hmac.compare_digest(hash_of(secret), secret_hash or _NO_HASH)
    return same and secret_hash is not None


def csrf_token_of(secret: str) -> str:
    """Known to who holds the session alone, and no way back to its secret."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def good_token(store: Store, text: str, *, at: dt.datetime) -> tuple[Annotator | None, str | None]:
    """Whose good token this is, and the id of the known token that it names, good or not."""
    token_id, secret = token_parts(text)
    with store.reading() as connection:
        row = connection.execute(TOKEN_QUERY, {"token_id": token_id}).mappings().one_or_none()
    same = same_secret(secret, None if row is None else row["secret_hash"])
    if row is None:
        return None, None
    standing = row["revoked_at"] is None and row["left_at"] is None
    if not same or not standing or read_utc(row["token_expires_at"]) <= utc(at):
        return None, token_id
    return annotator_of(row), token_id


def tell_failed_sign_in(store: Store, token_id: str | None, *, way: str, at: dt.datetime) -> None:
    """Leaves an entry, unless the newest ones tell of so many that a flood is under way.

    `token_id` is that of a known token, else nothing of what was typed is kept. The last entry of
    a flood says that further failures are not told.
    """
    with store.reading() as connection:
        newest = connection.execute(_NEWEST_ENTRIES).all()
    since = utc(at) - dt.timedelta(minutes=1)
    told = sum(action == "sign_in_failed" and read_utc(when) > since for action, when in newest)
    if told >= TOLD_FAILURES:
        return
    with store.writing() as connection:
        leave_trace(
            connection,
            at=at,
            actor=_UNKNOWN,
            action="sign_in_failed",
            subject=token_id or _UNKNOWN,
            way=way,
            further_untold=told == TOLD_FAILURES - 1,
        )
