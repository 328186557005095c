"""What the review desk is sent: forms and JSON, taken within bounds or refused with a sentence."""

import asyncio
import json
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from eval_pipeline.desk.api_models import AnswerIn, LeaseIn, SkipIn
from eval_pipeline.desk.forms import (
    LONGEST_NAME,
    LONGEST_RATIONALE,
    LONGEST_RESPONSE,
    MOST_CRITERIA,
    AnswerForm,
    SkipForm,
    WithdrawalForm,
    read_form,
)
from eval_pipeline.desk.problems import ProblemError
from eval_pipeline.desk.text import encodable, visible, visible_markup
from tests.fuzz.target import MARK, Target, only, promise, text_of, variant_of

TYPES: Final = {
    "form": "application/x-www-form-urlencoded",
    "parts": "multipart/form-data; boundary=xx",
}
VARIANTS: Final = (*TYPES, "api", "shown")


def run(data: bytes) -> object:
    """A body as the pages or the API send it, or a text as the pages show it."""
    variant, rest = variant_of(data, VARIANTS)
    if variant == "shown":
        return _shown(text_of(rest))
    return _api(rest) if variant == "api" else _form(rest, TYPES[variant])


def _form(body: bytes, content_type: str) -> object:
    found: list[object] = []
    with only(ProblemError, HTTPException) as told:
        fields = asyncio.run(_fields(body, content_type))
        for form in (AnswerForm, SkipForm, WithdrawalForm):
            with only(ProblemError) as refused:
                taken = form.of(fields)
                _within_bounds(taken)
                found.append(taken)
            found += refused
    promise(MARK not in str(told), "a refusal quotes what was typed")
    return [found, told]


async def _fields(body: bytes, content_type: str) -> dict[str, str]:
    scope: dict[str, Any] = {
        "app": None, "type": "http", "method": "POST", "path": "/", "query_string": b"",
        "headers": [(b"content-type", content_type.encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return await read_form(Request(scope, receive))  # type: ignore[arg-type]


def _api(body: bytes) -> object:
    found: list[object] = []
    for model in (AnswerIn, SkipIn, LeaseIn):
        with only(ValidationError):
            taken: BaseModel = model.model_validate_json(body)
            if isinstance(taken, AnswerIn):
                # The API's form may ask no more than its model, and drops nothing.
                form = taken.form()
                _within_bounds(form)
                promise(form.label == taken.label, "another label than was given")
            found.append(taken)
    return found


def _within_bounds(form: BaseModel) -> None:
    texts = [value for value in form.model_dump().values() if isinstance(value, str)]
    promise(not any("\0" in text for text in texts), "a text that no database stores")
    for text in texts:
        text.encode()
    if isinstance(form, AnswerForm):
        promise(len(form.rationale) <= LONGEST_RATIONALE, "a rationale without bounds")
        promise(len(form.reference_response or "") <= LONGEST_RESPONSE, "a text without bounds")
        promise(len(form.failure_mode or "") <= LONGEST_NAME, "a name without bounds")
        promise(len(form.criteria) <= MOST_CRITERIA, "criteria without bounds")
        promise(form.seconds is None or 0 <= form.seconds < float("inf"), "endless seconds")


def _shown(text: str) -> object:
    """Nothing that is shown is invisible, a tag of the text's own, or beyond any encoding."""
    plain, marked, kept = visible(text), visible_markup(text), encodable(text)
    for shown in (plain, marked, kept):
        shown.encode()
    for tag in ("<i>", "</i>", "<wbr>"):
        marked = marked.replace(tag, "")
    promise("<" not in marked and ">" not in marked, "a text came through as a tag")
    promise(visible(plain) == plain, "shown again, the text changes")
    return [plain, str(marked), str(kept)]


ANSWER: Final = {
    "label": "fail", "rationale": MARK, "reference_response": "x", "failure_mode": "late",
    "confidence": "high", "seconds": 3.5, "criteria": [True, None, False], "next": True,
}  # fmt: skip
TARGET: Final = Target(
    name="desk_forms",
    run=run,
    structure="json lines",
    variants=VARIANTS,
    examples=100,
    seeds=(
        b"form\nlabel=fail&rationale=a%20b&criterion_1=yes&criterion_3=unsure&seconds=3.5&confidence=low",
        b"form\nreason=too_long&annotator_id=ana&label=pass&label=fail",
        b"form\nlabel=pass&rationale=%00&seconds=1e999&criterion_999=no",
        (
            b'parts\n--xx\r\nContent-Disposition: form-data; name="label"\r\n\r\nfail\r\n--xx\r\n'
            b'Content-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n--xx--\r\n'
        ),
        b"api\n" + json.dumps(ANSWER).encode(),
        b'api\n{"reason": "unclear"}',
        b"shown\n<script>a</script>\xe2\x80\xae\x00\x01\x02\x03&amp;\r\n" + b"A" * 250,
    ),
    words=(*ANSWER, "reason", "annotator_id", "purpose", "criterion_1=", "criterion_100=no", "&",
    "=", "%00",
           "%ED%A0%80", "yes", "unsure", "pass", "cannot_tell", "adjudicate", "--xx", "\r\n",
           "inf", "nan",
           'Content-Disposition: form-data; name="label"\r\n\r\n', "; filename*=utf-8''x",
           "charset"),
)  # fmt: skip
