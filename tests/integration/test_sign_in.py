"""Who may use the desk: tokens, sessions and terms, each on SQLite and on PostgreSQL."""

import datetime as dt
import json
import logging
import string
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.review.credentials import (
    TOLD_FAILURES,
    hash_of,
    new_secret,
    same_secret,
    text_of_token,
    token_parts,
)
from eval_pipeline.adapters.review.people import People
from eval_pipeline.adapters.review.records import ReviewTask
from eval_pipeline.adapters.review.sign_in import IssuedToken, Session, SignIn
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import desk_sessions, metadata, review_leases
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import ReviewError

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


@dataclass(frozen=True)
class Door:
    """The desk's door, with who is let in by whom left out of each call."""

    store: Store

    @property
    def people(self) -> People:
        return People(self.store)

    @property
    def sign_in(self) -> SignIn:
        return SignIn(self.store)

    def token(self, who="ada", *, lifetime=DAY, at=NOON) -> IssuedToken:
        return self.sign_in.issue_token(who, by="dana", note="laptop", lifetime=lifetime, at=at)

    def session(self, token: IssuedToken, *, at=NOON, lifetime=HOUR) -> Session:
        opened = self.sign_in.open_session(token.text, lifetime=lifetime, at=at)
        assert opened is not None
        return opened

    def trail(self, *actions: str, limit=50) -> list:
        entries = ReviewStore(self.store).audit_entries(limit=limit)
        return [entry for entry in entries if not actions or entry.action in actions]


@pytest.fixture
def door(store):
    door = Door(store)
    for name, may in (("ada", False), ("cleo", True)):
        door.people.add(name, kind="person", may_adjudicate=may, by="dana", at=NOON)
    return door


def test_a_token_opens_a_session_until_it_expires(door):
    token = door.token(lifetime=DAY)
    assert door.sign_in.bearer(token.text, at=NOON).annotator_id == "ada"
    session = door.session(token, lifetime=HOUR)
    assert door.sign_in.session(session.secret, at=NOON + HOUR - MINUTE) == session
    assert door.sign_in.session(session.secret, at=NOON + HOUR) is None
    assert door.sign_in.bearer(token.text, at=NOON + DAY - MINUTE) is not None
    assert door.sign_in.bearer(token.text, at=NOON + DAY) is None
    assert door.sign_in.open_session(token.text, lifetime=HOUR, at=NOON + DAY) is None


def test_a_session_ends_with_its_token_at_the_latest(door):
    session = door.session(door.token(lifetime=HOUR), lifetime=DAY)
    found = door.sign_in.session(session.secret, at=NOON)
    assert found.expires_at == NOON + HOUR
    assert door.sign_in.session(session.secret, at=NOON + HOUR) is None


def test_revoking_a_token_ends_its_sessions_and_no_others(door):
    lost, kept = door.token(), door.token()
    ended, going_on = door.session(lost), door.session(kept)
    assert door.sign_in.revoke_token(lost.token_id, by="dana", at=NOON)
    assert not door.sign_in.revoke_token(lost.token_id, by="dana", at=NOON)
    assert not door.sign_in.revoke_token("nobody's", by="dana", at=NOON)
    assert door.sign_in.session(ended.secret, at=NOON) is None
    assert door.sign_in.bearer(lost.text, at=NOON) is None
    assert door.sign_in.session(going_on.secret, at=NOON) is not None
    newest = door.trail("revoke_token")[0]
    assert (newest.actor, newest.subject) == ("dana", "ada")
    assert json.loads(newest.detail_json) == {"token_id": lost.token_id, "sessions_ended": 1}


def test_signing_out_ends_the_session_alone(door):
    token = door.token()
    one, other = door.session(token), door.session(token)
    door.sign_in.close_session(one.secret, at=NOON)
    door.sign_in.close_session(one.secret, at=NOON)
    door.sign_in.close_session("never given", at=NOON)
    assert door.sign_in.session(one.secret, at=NOON) is None
    assert door.sign_in.session(other.secret, at=NOON) is not None
    assert len([entry for entry in door.trail(limit=3) if entry.action == "sign_out"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text.replace("evp_", "EVP_"),
        lambda text: text.rpartition("_")[0],
        lambda text: "evp_0000000000000000_" + text.split("_", 2)[2],
        lambda text: "",
        lambda text: "evp__",
        lambda text: text + "\0",
        lambda text: "evp_\ud800_x",
        lambda text: "x" * 1_000_000,
        lambda text: "' OR 1=1 --",
    ],
)
def test_a_text_that_is_not_the_token_lets_nobody_in(door, change):
    text = change(door.token().text)
    assert door.sign_in.bearer(text, at=NOON) is None
    assert door.sign_in.session(text, at=NOON) is None
    assert door.sign_in.open_proxy_session(text, lifetime=HOUR, at=NOON) is None
    door.sign_in.close_session(text, at=NOON)


def test_one_persons_secret_with_anothers_id_lets_nobody_in(door):
    ada, cleo = token_parts(door.token().text), token_parts(door.token("cleo").text)
    assert door.sign_in.bearer(text_of_token(ada[0], cleo[1]), at=NOON) is None


@given(st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=60))
def test_a_token_comes_apart_into_what_it_was_made_of(secret):
    assert token_parts(text_of_token("0123abcd", secret)) == ("0123abcd", secret)


def test_no_hash_is_never_the_same_secret():
    secret = new_secret()
    assert same_secret(secret, hash_of(secret))
    assert not same_secret(secret, hash_of(new_secret()))
    assert not same_secret(secret, None)


def test_who_left_is_let_in_nowhere_and_gives_back_what_they_held(store, door):
    token = door.token()
    session = door.session(token)
    hold(store, "ada")
    gone = door.people.leave("ada", reason="moved_on", by="dana", at=NOON)
    assert gone.annotator_id == "ada"
    assert door.sign_in.session(session.secret, at=NOON) is None
    assert door.sign_in.bearer(token.text, at=NOON) is None
    assert door.sign_in.open_proxy_session("ada", lifetime=HOUR, at=NOON) is None
    with pytest.raises(ReviewError, match="left the desk on 2026-11-20"):
        door.token()
    assert json.loads(door.trail("remove_annotator")[0].detail_json) == {
        "reason": "moved_on", "leases": 1, "sessions": 1, "tokens": 1,
    }  # fmt: skip
    with store.reading() as connection:
        lease = connection.execute(sa.select(review_leases)).one()
    assert lease.outcome == "released"
    with pytest.raises(ReviewError, match="left the desk"):
        door.people.leave("ada", reason="moved_on", by="dana", at=NOON)


def hold(store: Store, who: str) -> None:
    """An active lease of this person."""
    task = ReviewTask("t1", "i1", "audit", "audit", 0.25, "helpful@0123abcd", "{}")
    ReviewStore(store).open_tasks([task], week="2026-11-16", at=NOON)
    lease = {
        "lease_id": "l1", "task_id": "t1", "annotator_id": who, "purpose": "label", "seat": 1,
        "leased_at": NOON, "expires_at": NOON + HOUR,
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(sa.insert(review_leases), [lease])


def test_who_comes_back_needs_a_new_token(door):
    old = door.token()
    door.people.leave("ada", reason="other", by="dana", at=NOON)
    assert door.people.come_back("ada", by="dana", at=NOON)
    assert not door.people.come_back("ada", by="dana", at=NOON)
    assert door.sign_in.bearer(old.text, at=NOON) is None
    assert door.sign_in.bearer(door.token().text, at=NOON).annotator_id == "ada"


def test_changed_terms_hold_for_who_is_signed_in_already(door):
    session = door.session(door.token())
    assert door.people.change("ada", by="dana", at=NOON, may_adjudicate=True, weekly_budget=9)
    assert not door.people.change("ada", by="dana", at=NOON, may_adjudicate=True)
    now = door.sign_in.session(session.secret, at=NOON).annotator
    assert (now.may_adjudicate, now.may_administer, now.weekly_budget) == (True, False, 9)
    newest = door.trail("change_annotator")[0]
    assert json.loads(newest.detail_json) == {"may_adjudicate": True, "weekly_budget": 9}
    assert door.people.change("ada", by="dana", at=NOON, weekly_budget="policy")
    assert door.sign_in.session(session.secret, at=NOON).annotator.weekly_budget is None


def test_nobody_is_added_twice_on_other_terms(door):
    add = {"kind": "person", "by": "dana", "at": NOON}
    assert not door.people.add("cleo", may_adjudicate=True, **add)
    with pytest.raises(ReviewError, match="with the right to adjudicate, without the right to ad"):
        door.people.add("cleo", may_adjudicate=True, may_administer=True, **add)
    with pytest.raises(ReviewError, match="change-reviewer"):
        door.people.add("cleo", may_adjudicate=True, weekly_budget=3, **add)
    assert door.people.everyone()[1].may_administer is False


@pytest.mark.parametrize(
    "name", ["", " ", "a ", "\x1b[31m", "a\u202eb", "a\0", "x" * 81, "a\ud800"]
)
def test_a_name_that_could_mislead_or_not_be_stored_is_refused(door, name):
    with pytest.raises(ReviewError, match="printable"):
        door.people.add(name, kind="person", may_adjudicate=False, by="dana", at=NOON)


@pytest.mark.parametrize("act", ["change", "leave", "come_back", "token"])
def test_nobody_acts_on_a_person_nobody_knows(door, act):
    with pytest.raises(ReviewError, match="There is no annotator 'zoe'"):
        {
            "change": lambda: door.people.change("zoe", by="dana", at=NOON, may_adjudicate=True),
            "leave": lambda: door.people.leave("zoe", reason="other", by="dana", at=NOON),
            "come_back": lambda: door.people.come_back("zoe", by="dana", at=NOON),
            "token": lambda: door.token("zoe"),
        }[act]()


def test_a_proxys_word_suffices_for_who_is_at_the_desk(door):
    session = door.sign_in.open_proxy_session("ada", lifetime=HOUR, at=NOON)
    assert door.sign_in.session(session.secret, at=NOON).annotator.annotator_id == "ada"
    assert door.sign_in.open_proxy_session("zoe", lifetime=HOUR, at=NOON) is None


def test_failed_sign_ins_are_told_until_they_are_a_flood(door):
    later = NOON + DAY
    bad = door.token().text[:-2]
    before = len(door.trail("sign_in_failed", limit=1000))
    for _ in range(3 * TOLD_FAILURES):
        assert door.sign_in.open_session(bad, lifetime=HOUR, at=later) is None
    told = door.trail("sign_in_failed", limit=1000)
    assert len(told) - before == TOLD_FAILURES
    assert {entry.subject for entry in told[:TOLD_FAILURES]} == {token_parts(bad)[0]}
    further = [json.loads(entry.detail_json)["further_untold"] for entry in told[:TOLD_FAILURES]]
    assert further == [True, *[False] * (TOLD_FAILURES - 1)]
    # A minute later they are told again, and nothing of what was typed is.
    door.sign_in.open_session("Mrs Canary's password", lifetime=HOUR, at=later + 2 * MINUTE)
    newest = door.trail(limit=1)[0]
    assert (newest.action, newest.actor, newest.subject) == ("sign_in_failed", "unknown", "unknown")


def test_secrets_are_in_no_table_repr_log_or_error(store, door, caplog):
    caplog.set_level(logging.DEBUG)
    token = door.token()
    session = door.session(token)
    secret = token_parts(token.text)[1]
    door.sign_in.open_session(token.text + "x", lifetime=HOUR, at=NOON)
    with pytest.raises(ReviewError) as refused:
        door.sign_in.issue_token("zoe", by="d", note=token.text, lifetime=DAY, at=NOON)
    with store.reading() as connection:
        rows = [connection.execute(sa.select(table)).all() for table in metadata.sorted_tables]
    told = f"{rows} {token!r} {session!r} {door.sign_in.tokens()} {refused.value} {caplog.text}"
    for hidden in (secret, session.secret, session.csrf_token):
        assert hidden not in told
    assert hash_of(secret) in str(rows)


def test_the_forms_of_a_session_carry_a_token_of_their_own(door):
    token = door.token()
    one, other = door.session(token), door.session(token)
    assert one.csrf_token != other.csrf_token
    assert door.sign_in.session(one.secret, at=NOON).csrf_token == one.csrf_token
    assert one.secret not in one.csrf_token


def test_looking_a_session_up_is_one_query_that_writes_nothing(store, door):
    session = door.session(door.token())
    asked = []

    def note(connection, cursor, statement, *more):
        asked.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        door.sign_in.session(session.secret, at=NOON)
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    assert [one.split()[0] for one in asked if not one.startswith("BEGIN")] == ["SELECT"]


def test_tokens_are_listed_newest_first_without_their_secrets(door):
    old, new = door.token(), door.token("cleo", at=NOON + HOUR)
    assert [one.token_id for one in door.sign_in.tokens()] == [new.token_id, old.token_id]
    (mine,) = door.sign_in.tokens("ada")
    assert (mine.created_by, mine.note, mine.created_at, mine.revoked_at) == (
        "dana", "laptop", NOON, None,
    )  # fmt: skip


def test_a_token_made_while_its_owner_leaves_is_never_good(store, door):
    def make(_):
        try:
            return door.token().text
        except ReviewError:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = pool.map(make, range(8))
        leaving = pool.submit(door.people.leave, "ada", reason="other", by="dana", at=NOON)
        texts = [text for text in made if text is not None]
    leaving.result()
    door.people.come_back("ada", by="dana", at=NOON)
    assert [text for text in texts if door.sign_in.bearer(text, at=NOON)] == []
    with store.reading() as connection:
        assert (
            connection.execute(sa.select(sa.func.count()).select_from(desk_sessions)).scalar() == 0
        )
