"""Tokens and sessions of the people at the desk; only hashes of secrets are stored.

Signing in, failing to, signing out and every change of a token stand in the audit trail.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from eval_pipeline.adapters.audit import leave_trace
from eval_pipeline.adapters.review.credentials import (
    PERSON_QUERY,
    SESSION_QUERY,
    csrf_token_of,
    good_token,
    hash_of,
    new_secret,
    new_token_id,
    printable,
    tell_failed_sign_in,
    text_of_token,
    well_formed,
)
from eval_pipeline.adapters.review.people import annotator_at_desk, annotator_of
from eval_pipeline.adapters.review.records import Annotator
from eval_pipeline.adapters.schema import desk_sessions, desk_tokens
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.errors import ReviewError

LONGEST_NOTE: Final = 120


@dataclass(frozen=True)
class IssuedToken:
    """A new token; `text` is shown once and stored nowhere."""

    token_id: str
    annotator_id: str
    text: str = field(repr=False)
    expires_at: dt.datetime


@dataclass(frozen=True)
class TokenRecord:
    """A token as its owner and an administrator see it."""

    token_id: str
    annotator_id: str
    note: str
    created_by: str
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None


@dataclass(frozen=True)
class Session:
    """Someone who is signed in; `secret` goes into the cookie and is stored nowhere."""

    annotator: Annotator
    expires_at: dt.datetime
    secret: str = field(repr=False)

    @property
    def csrf_token(self) -> str:
        """What every form of this session carries: an HMAC of the session's secret."""
        return csrf_token_of(self.secret)


class SignIn:
    """Who may use the desk, over the operational store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def issue_token(
        self, annotator_id: str, *, by: str, note: str, lifetime: dt.timedelta, at: dt.datetime
    ) -> IssuedToken:
        """A new token for a person at the desk; raises `ReviewError` if there is none such."""
        if len(note) > LONGEST_NOTE or "\0" in note:
            raise ReviewError(
                f"A token's note has at most {LONGEST_NOTE} characters. No token was made. "
                "Shorten it."
            )
        token_id, secret = new_token_id(), new_secret()
        expires_at = utc(at) + lifetime
        with self._store.writing() as connection:
            annotator_at_desk(connection, annotator_id)
            connection.execute(
                sa.insert(desk_tokens),
                {
                    "token_id": token_id,
                    "annotator_id": annotator_id,
                    "secret_hash": hash_of(secret),
                    "note": note,
                    "created_by": by,
                    "created_at": utc(at),
                    "expires_at": expires_at,
                },
            )
            leave_trace(
                connection,
                at=at,
                actor=by,
                action="issue_token",
                subject=annotator_id,
                token_id=token_id,
                expires_at=expires_at.isoformat(),
            )
        return IssuedToken(token_id, annotator_id, text_of_token(token_id, secret), expires_at)

    def revoke_token(self, token_id: str, *, by: str, at: dt.datetime) -> bool:
        """Ends the token and every session it opened; False if there is no such active token."""
        with self._store.writing() as connection:
            owner = connection.execute(
                sa.update(desk_tokens)
                .where(desk_tokens.c.token_id == token_id, desk_tokens.c.revoked_at.is_(None))
                .values(revoked_at=utc(at))
                .returning(desk_tokens.c.annotator_id)
            ).scalar()
            if owner is None:
                return False
            ended = connection.execute(
                sa.update(desk_sessions)
                .where(desk_sessions.c.token_id == token_id, desk_sessions.c.ended_at.is_(None))
                .values(ended_at=utc(at))
            ).rowcount
            leave_trace(
                connection,
                at=at,
                actor=by,
                action="revoke_token",
                subject=owner,
                token_id=token_id,
                sessions_ended=ended,
            )
        return True

    def tokens(self, annotator_id: str | None = None) -> list[TokenRecord]:
        """Tokens, newest first; of everyone if nobody is named."""
        names = tuple(TokenRecord.__annotations__)
        newest_first = (desk_tokens.c.created_at.desc(), desk_tokens.c.token_id)
        query = sa.select(*(desk_tokens.c[name] for name in names)).order_by(*newest_first)
        if annotator_id is not None:
            query = query.where(desk_tokens.c.annotator_id == annotator_id)
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            TokenRecord(**{str(name): _read(value) for name, value in row.items()}) for row in rows
        ]

    def bearer(self, text: str, *, at: dt.datetime) -> Annotator | None:
        """Whose token this is, if it is good now and they are at the desk; compares hashes."""
        return good_token(self._store, text, at=at)[0]

    def open_session(
        self, token_text: str, *, lifetime: dt.timedelta, at: dt.datetime
    ) -> Session | None:
        """A session for a good token, else None; either way the audit trail says so.

        A flood of failures leaves no flood of entries.
        """
        annotator, token_id = good_token(self._store, token_text, at=at)
        if annotator is None:
            tell_failed_sign_in(self._store, token_id, way="token", at=at)
            return None
        return self._new_session(annotator, token_id=token_id, lifetime=lifetime, at=at)

    def open_proxy_session(
        self, annotator_id: str, *, lifetime: dt.timedelta, at: dt.datetime
    ) -> Session | None:
        """A session on a trusted proxy's word, if the person is at the desk."""
        with self._store.reading() as connection:
            found = connection.execute(PERSON_QUERY, {"annotator_id": printable(annotator_id)})
            row = found.mappings().one_or_none()
        if row is None or row["left_at"] is not None:
            tell_failed_sign_in(self._store, None, way="proxy", at=at)
            return None
        return self._new_session(annotator_of(row), token_id=None, lifetime=lifetime, at=at)

    def session(self, secret: str, *, at: dt.datetime) -> Session | None:
        """The session of a cookie; None if it ended, expired, its token was, or the person left.

        One query, which writes nothing.
        """
        if not well_formed(secret):
            return None
        with self._store.reading() as connection:
            found = connection.execute(SESSION_QUERY, {"session_hash": hash_of(secret)})
            row = found.mappings().one_or_none()
        if row is None or any(
            row[name] is not None for name in ("ended_at", "revoked_at", "left_at")
        ):
            return None
        token_expires = row["token_expires_at"] or row["session_expires_at"]
        expires_at = min(read_utc(row["session_expires_at"]), read_utc(token_expires))
        if expires_at <= utc(at):
            return None
        return Session(annotator_of(row), expires_at, secret)

    def close_session(self, secret: str, *, at: dt.datetime) -> None:
        """Signs out; an unknown secret changes nothing."""
        if not well_formed(secret):
            return
        with self._store.writing() as connection:
            person = connection.execute(
                sa.update(desk_sessions)
                .where(
                    desk_sessions.c.session_hash == hash_of(secret),
                    desk_sessions.c.ended_at.is_(None),
                )
                .values(ended_at=utc(at))
                .returning(desk_sessions.c.annotator_id)
            ).scalar()
            if person is not None:
                leave_trace(connection, at=at, actor=person, action="sign_out", subject=person)

    def _new_session(
        self,
        annotator: Annotator,
        *,
        token_id: str | None,
        lifetime: dt.timedelta,
        at: dt.datetime,
    ) -> Session:
        secret, expires_at = new_secret(), utc(at) + lifetime
        with self._store.writing() as connection:
            connection.execute(
                sa.insert(desk_sessions),
                {
                    "session_hash": hash_of(secret),
                    "annotator_id": annotator.annotator_id,
                    "token_id": token_id,
                    "created_at": utc(at),
                    "expires_at": expires_at,
                },
            )
            leave_trace(
                connection,
                at=at,
                actor=annotator.annotator_id,
                action="sign_in",
                subject=annotator.annotator_id,
                token_id=token_id,
            )
        return Session(annotator, expires_at, secret)


def _read(value: Any) -> Any:
    return read_utc(value) if isinstance(value, dt.datetime) else value
