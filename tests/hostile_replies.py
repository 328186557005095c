"""What a provider can answer that is no honest reply, and what a runner is to make of each."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.hostile_server import Act, Talk, chat_answer

ANSWERED = "answered"
"""In place of an error code: the reply is odd and yet an answer."""


@dataclass(frozen=True)
class Fault:
    """One fault: what the server does, the error code in the journal, and how often it is met.

    `tries` is 1 where asking again is no use, and 2, all that the test allows, otherwise.
    """

    name: str
    kind: str
    act: Act
    code: str
    tries: int = 2
    text: str = "Yes."


def _reply(body: bytes, *headers: str, status: str = "200 OK") -> Act:
    return lambda talk: talk.answer(body, *headers, status=status)


def _raw(*parts: bytes, reset: bool = False) -> Act:
    """These bytes, then the end of the connection."""

    def act(talk: Talk) -> None:
        for part in parts:
            talk.send(part)
        if reset:
            talk.pause()
            talk.reset()

    return act


def _hanging(*parts: bytes) -> Act:
    def act(talk: Talk) -> None:
        for part in parts:
            talk.send(part)
        talk.hang()

    return act


def _dripping(head: bytes, drop: bytes) -> Act:
    def act(talk: Talk) -> None:
        talk.send(head)
        while True:
            talk.send(drop)
            talk.pause()

    return act


def _flooding(*heads: bytes, drop: bytes) -> Act:
    """As fast as it goes, until the other side hangs up."""

    def act(talk: Talk) -> None:
        for head in heads:
            talk.send(head)
        while True:
            talk.send(drop)

    return act


OK = b"HTTP/1.1 200 OK\r\n"
GOOD = chat_answer()
LONG = b"content-length: %d\r\n\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"

TRANSPORT = (
    Fault("hangs before its headers", "hang", _hanging(), "timeout"),
    Fault("hangs within its status line", "hang", _hanging(b"HTTP/1."), "timeout"),
    Fault("hangs after its headers", "hang", _hanging(OK + LONG % 100), "timeout"),
    Fault("hangs in mid-body", "hang", _hanging(OK + LONG % len(GOOD) + GOOD[:50]), "timeout"),
    Fault("hangs after a chunk", "hang", _hanging(CHUNKED, b'4\r\n{"a"\r\n'), "timeout"),
    Fault("drips its body for ever", "drip", _dripping(OK + LONG % 10**6, b" "), "timeout"),
    Fault("drips chunks for ever", "drip", _dripping(CHUNKED, b"1\r\n \r\n"), "timeout"),
    Fault("drips its headers for ever", "drip", _dripping(OK, b"x"), "timeout"),
    Fault(
        "says 100 Continue for ever", "drip", _dripping(b"", b"HTTP/1.1 100 Go\r\n\r\n"), "timeout"
    ),
    Fault(
        "drips a gzip header",
        "drip",
        _dripping(OK + b"content-encoding: gzip\r\n" + LONG % 10**6, b"\x1f"),
        "bad_response",
    ),
    Fault("resets at once", "reset", _raw(reset=True), "connection"),
    Fault("resets within its headers", "reset", _raw(OK, reset=True), "connection"),
    Fault(
        "resets in mid-body", "reset", _raw(OK + LONG % 500, GOOD[:40], reset=True), "connection"
    ),
    Fault("closes without a word", "close", _raw(), "connection"),
    Fault("closes within its headers", "close", _raw(OK + b"content-le"), "connection"),
    Fault(
        "sends half of a body of full length",
        "close",
        _raw(OK + LONG % len(GOOD), GOOD[: len(GOOD) // 2]),
        "connection",
    ),
    Fault(
        "promises more than it sends",
        "length",
        _raw(OK + LONG % (len(GOOD) + 1), GOOD),
        "connection",
    ),
    Fault("closes within a chunk", "close", _raw(CHUNKED, b"ff\r\nabc"), "connection"),
    Fault(
        "closes before the last chunk",
        "close",
        _raw(CHUNKED, b"%x\r\n" % len(GOOD) + GOOD + b"\r\n"),
        "connection",
    ),
    Fault("has a chunk of no size", "framing", _raw(CHUNKED, b"banana\r\n{}\r\n"), "connection"),
    Fault("has a chunk of negative size", "framing", _raw(CHUNKED, b"-1\r\n{}\r\n"), "connection"),
    Fault(
        "has a chunk of endless size",
        "framing",
        _raw(CHUNKED, b"f" * 4096 + b"\r\n{}\r\n"),
        "connection",
    ),
    Fault(
        "has a negative length", "length", _raw(OK + b"content-length: -1\r\n\r\n{}"), "connection"
    ),
    Fault(
        "has a length in words", "length", _raw(OK + b"content-length: ten\r\n\r\n{}"), "connection"
    ),
    Fault(
        "has two lengths",
        "length",
        _raw(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
        "connection",
    ),
    Fault(
        "has a length of a thousand digits",
        "length",
        _raw(OK + b"content-length: " + b"9" * 1000 + b"\r\n\r\n{}"),
        "connection",
    ),
    Fault(
        "has an unknown framing",
        "framing",
        _raw(OK + b"transfer-encoding: banana\r\n\r\n{}"),
        "connection",
    ),
    Fault("speaks HTTP 0.9", "framing", _raw(GOOD), "connection"),
    Fault("speaks another protocol", "framing", _raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "connection"),
    Fault(
        "answers with a TLS alert", "framing", _raw(b"\x15\x03\x01\x00\x02\x02\x46"), "connection"
    ),
    Fault("has a status of no number", "framing", _raw(b"HTTP/1.1 fine\r\n\r\n{}"), "connection"),
    Fault(
        "has a status of five digits", "framing", _raw(b"HTTP/1.1 20000 OK\r\n\r\n{}"), "connection"
    ),
    Fault(
        "has a header with a NUL",
        "headers",
        _raw(OK + b"x: a\x00b\r\ncontent-length: 2\r\n\r\n{}"),
        "connection",
    ),
    Fault(
        "has a header without a name",
        "headers",
        _raw(OK + b": a\r\ncontent-length: 2\r\n\r\n{}"),
        "connection",
    ),
    Fault("floods headers", "headers", _flooding(OK, drop=b"x-flood: yes\r\n" * 100), "connection"),
    Fault(
        "has an endless header", "headers", _flooding(OK + b"x: ", drop=b"y" * 9000), "connection"
    ),
    Fault("has an endless status line", "headers", _flooding(drop=b"H" * 9000), "connection"),
    Fault(
        "has endless spaces for a reply", "framing", _flooding(drop=b"\r\n" * 4000), "connection"
    ),
)


def _sized(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return OK + lines + LONG % len(body) + body


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _poisoned(talk: Talk) -> None:
    """Too short a length: what follows is a whole reply, for whoever asks next."""
    second = chat_answer("You were answered in another's place.")
    talk.send(_sized(GOOD) + _sized(second))
    talk.keep = True
    talk.pause()


ENCODINGS = (
    Fault("says too short a length", "length", _poisoned, "bad_response"),
    Fault(
        "breaks off its gzip",
        "encoding",
        _raw(_sized(_packed(GOOD)[:-9], b"content-encoding: gzip")),
        "bad_response",
    ),
    Fault(
        "sends no gzip for gzip", "encoding", _reply(GOOD, "content-encoding: gzip"), "bad_response"
    ),
    Fault(
        "has garbage after its gzip",
        "encoding",
        _reply(_packed(GOOD) + b"garbage", "content-encoding: gzip"),
        "bad_response",
    ),
    Fault(
        "has two gzips after each other",
        "encoding",
        _reply(_packed(GOOD) * 2, "content-encoding: gzip"),
        "bad_response",
    ),
    Fault(
        "has gzip within gzip",
        "encoding",
        _reply(_packed(_packed(GOOD)), "content-encoding: gzip, gzip"),
        "bad_response",
    ),
    Fault(
        "has a broken gzip checksum",
        "encoding",
        _reply(_packed(GOOD)[:-8] + bytes(8), "content-encoding: gzip"),
        "bad_response",
    ),
    *(
        Fault(
            f"sends {name}, which was not asked for",
            "encoding",
            _reply(body, f"content-encoding: {name}"),
            "bad_response",
        )
        for name, body in (
            ("deflate", zlib.compress(GOOD)),
            ("br", b"\x0b\x02\x80"),
            ("zstd", b"\x28\xb5\x2f\xfd"),
            ("compress", b"\x1f\x9d"),
            ("banana", GOOD),
            ("gzip, br", _packed(GOOD)),
        )
    ),
    Fault(
        "sends an honest gzip",
        "encoding",
        _reply(_packed(GOOD), "content-encoding: gzip"),
        ANSWERED,
        1,
    ),
    Fault(
        "has a wrong content type",
        "content type",
        _reply(GOOD, "content-type: image/png"),
        ANSWERED,
        1,
    ),
    Fault(
        "says hello ten times first",
        "status",
        _raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10 + _sized(GOOD)),
        ANSWERED,
        1,
    ),
)


def _redirect(status: int, location: str) -> Fault:
    act = _reply(b"", f"location: {location}", status=f"{status} Elsewhere")
    return Fault(f"redirects by {status} to {location}", "redirect", act, "bad_response", 1)


ELSEWHERE = "http://127.0.0.1:9/stolen"
STATUSES = (
    *(_redirect(status, ELSEWHERE) for status in (301, 302, 303, 307, 308)),
    *(
        _redirect(307, location)
        for location in (
            "file:///etc/passwd",
            "http://169.254.169.254/latest/meta-data/",
            "http://metadata.google.internal/",
            "//evil.example/v1",
            "/v1/chat/completions",
            "gopher://127.0.0.1/",
            "http://user:pass@127.0.0.1/",
            "",
            "ht!tp://[",
        )
    ),
    Fault("answers 204", "status", _raw(b"HTTP/1.1 204 None\r\n\r\n"), "bad_response"),
    Fault("answers 205", "status", _reply(b"", status="205 Reset"), "bad_response"),
    Fault(
        "answers 206 with half", "status", _reply(GOOD[:60], status="206 Partial"), "bad_response"
    ),
    Fault("answers 300", "status", _reply(b"{}", status="300 Choices"), "bad_response", 1),
    Fault("answers 304", "status", _raw(b"HTTP/1.1 304 Old\r\n\r\n"), "bad_response", 1),
    Fault(
        "switches protocols",
        "status",
        _raw(b"HTTP/1.1 101 Switch\r\nupgrade: banana\r\nconnection: upgrade\r\n\r\n"),
        "connection",
    ),
    *(
        Fault(
            f"answers {status}",
            "5xx",
            _reply(b"<html>Sorry", status=f"{status} No"),
            "server_error",
        )
        for status in (500, 501, 502, 503, 504, 511, 520, 529, 599, 600, 999)
    ),
    *(
        Fault(f"answers {status}", "4xx", _reply(b"{}", status=f"{status} No"), code, tries)
        for status, code, tries in (
            (400, "client_error_4xx", 1),
            (404, "client_error_4xx", 1),
            (405, "client_error_4xx", 1),
            (408, "timeout", 2),
            (409, "client_error_4xx", 2),
            (410, "client_error_4xx", 1),
            (413, "too_long", 1),
            (418, "client_error_4xx", 1),
            (422, "client_error_4xx", 1),
            (431, "client_error_4xx", 1),
            (451, "client_error_4xx", 1),
        )
    ),
)


def _body(name: str, body: bytes, code: str = "bad_response", text: str = "Yes.") -> Fault:
    return Fault(
        name, "body", _reply(body), code, 1 if code in {ANSWERED, "empty_answer"} else 2, text
    )


def _shaped(name: str, code: str = "bad_response", **changes: Any) -> Fault:
    return _body(name, chat_answer(**changes), code)


def _choice(name: str, message: Any, code: str = "bad_response") -> Fault:
    return _shaped(f"has {name}", code, choices=[{"message": message, "finish_reason": "stop"}])


def _with_usage(usage: bytes) -> bytes:
    return GOOD.replace(b'"prompt_tokens": 10', b'"prompt_tokens": ' + usage)


def _nested(opening: bytes, closing: bytes, *, deep: int = 100_000) -> bytes:
    return b'{"choices": ' + opening * deep + closing * deep + b"}"


BODIES = (
    _body("is an HTML page", b"<!doctype html><h1>It works</h1>"),
    _body("is empty", b""),
    _body("is a word", b"OK"),
    _body("is XML", b"<?xml version='1.0'?><a/>"),
    _body("is a JSON list", b"[" + GOOD + b"]"),
    _body("is a JSON string", b'"Yes."'),
    _body("is null", b"null"),
    _body("is a number", b"42"),
    _body("is cut-off JSON", GOOD[:-20]),
    _body("is two answers", GOOD + GOOD),
    _body("is JSON lines", GOOD + b"\n" + GOOD),
    _body("is an event stream", b"data: " + GOOD + b"\n\ndata: [DONE]\n\n"),
    _body("is not UTF-8", GOOD.replace(b"Yes.", b"\xff\xfe\xfa")),
    _body("is a cut-off UTF-8", GOOD.replace(b"Yes.", b"\xe2\x82")),
    _body("is random bytes", bytes(range(256)) * 8),
    _body("is JSON with a comment", b"// hello\n" + GOOD),
    _body("is JSON with a raw NUL", GOOD.replace(b"Yes.", b"Y\x00s")),
    _body("has a BOM", b"\xef\xbb\xbf" + GOOD, ANSWERED),
    _body("is UTF-16", GOOD.decode().encode("utf-16"), ANSWERED),
    _body("has a lone surrogate", GOOD.replace(b"Yes.", b"Y\\ud800s"), ANSWERED, "Y\ufffds"),
    _body("has an escaped NUL", GOOD.replace(b"Yes.", b"Y\\u0000s"), ANSWERED, "Y\ufffds"),
    _body("has a hundred thousand nested lists", _nested(b"[", b"]")),
    _body("has a hundred thousand nested objects", _nested(b'{"a":', b"}")),
    _body("has a hundred thousand open brackets", b"[" * 100_000),
    _body("has a choices key twice", GOOD[:-1] + b', "choices": []}'),
    _body("has a million choices", b'{"choices": [' + b'{"m":1},' * 999_999 + b"{}]}"),
    _body("has two million empty lists", b'{"choices": [' + b"[]," * 2_000_000 + b"[]]}"),
    _body("has two million numbers", b'{"choices": [' + b"0," * 2_000_000 + b"0]}"),
    _body("is larger than the limit", b" " * 9 * 2**20 + GOOD),
    *(
        _shaped(f"has choices of {json.dumps(choices)[:24]}", choices=choices)
        for choices in (None, {}, "Yes.", 5, True, [], [None], [[]], [5], [{}], ["Yes."])
    ),
    _choice("no message", None),
    _choice("a message that is a list", [1]),
    _choice("a message that is a word", "Yes."),
    _choice("a content that is a number", {"content": 5}),
    _choice("a content that is an object", {"content": {"text": "Yes."}}),
    _choice("a content that is true", {"content": True}),
    _choice("a content that is null", {"content": None}, "empty_answer"),
    _choice("a content of blanks", {"content": " \n\t "}, "empty_answer"),
    _choice("a content of numbers", {"content": [1, None, [], {}]}, "empty_answer"),
    _choice("no content", {}, "empty_answer"),
    *(
        _shaped(f"has an error beside its answer, {json.dumps(error)[:30]}", code, error=error)
        for error, code in (
            ("out of memory", "bad_response"), ({"code": 503}, "server_error"),
            ({"message": "no"}, "bad_response"), ([1], "bad_response"), (True, "bad_response"),
            ({"code": 10**30}, "bad_response"), ({"code": [], "type": {}}, "bad_response"),
        )
    ),
    *(
        _body(f"counts {usage.decode()[:20]} tokens", _with_usage(usage), ANSWERED)
        for usage in (
            b"-1", b"2147483647", b"1e999", b"NaN", b"Infinity", b"1.5", b'"10"', b"null", b"true",
            b"[10]", b"{}", b"9" * 100,
        )
    ),
    _body("counts in five thousand digits", _with_usage(b"9" * 5000)),
    _shaped("has no usage", ANSWERED, usage=None),
    _shaped("has a usage that is a list", ANSWERED, usage=[1, 2]),
    _shaped("has a model that is a number", ANSWERED, model=5),
    _shaped("has a model of a megabyte", ANSWERED, model="m" * 2**20),
    _shaped("has a fingerprint that is an object", ANSWERED, system_fingerprint={"a": 1}),
)  # fmt: skip

RETRY_AFTER = (
    "0.01", "1", "-5", "0", "99999999999", "1e999", "nan", "inf", "soon", "", "\xb2", "0x10",
    "Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 99 Foo 99999 99:99:99",
    "Mon, 01 Jan 0001 00:00:00 +2359", "9" * 5000, "1, 2", "1970-01-01T00:00:00Z",
)  # fmt: skip
LIMIT_HEADERS = (
    "ratelimit: remaining=" + "0" * 5000 + ", reset=1",
    "ratelimit: remaining=0, reset=" + "9" * 5000,
    'ratelimit: "a";r=\xb2;t=\xb2',
    "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 1e999",
    "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: " + "9" * 400,
    "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 9999-12-31T23:59:59+00:00",
    "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 0001-01-01T00:00:00-23:59",
    "x-ratelimit-remaining-requests: -1\r\nx-ratelimit-reset-requests: -1s",
    "x-ratelimit-remaining-tokens: \xb2\r\nx-ratelimit-reset-tokens: 1s",
    "anthropic-ratelimit-requests-remaining: 0\r\nanthropic-ratelimit-requests-reset: tomorrow",
)  # fmt: skip


def once(turned_away: Act) -> Callable[[Talk, int], None]:
    """Turned away the first time, answered the second."""
    return lambda talk, nth: turned_away(talk) if nth == 1 else talk.answer(GOOD)


LASTING = (*TRANSPORT, *ENCODINGS, *STATUSES, *BODIES)
