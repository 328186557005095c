"""Every page of the desk in one table: method, address, whom it is for, and what answers.

Forms send, beside `csrf` on every POST but the sign-in:
`/sign-in` token · `/leases/…/answer` label (pass, fail, cannot_tell), rationale,
reference_response, failure_mode, confidence (low, medium, high), criterion_1 … (yes, no, unsure or
empty), seconds · `/leases/…/skip` reason · `/overview/withdraw` annotator_id, reason.

A POST is answered by a redirect; with the header `X-Desk-Fragment: 1` by the middle of the next
page, whose address stands in `X-Desk-Location`. With a status of 400 and above the middle is the
error's, or the same task's with `frame.error` and what was typed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from starlette.responses import Response

from eval_pipeline.desk import administration, labelling, signing
from eval_pipeline.desk.access import Access
from eval_pipeline.desk.visits import Visit


@dataclass(frozen=True)
class PageRoute:
    """One address of a page and who may ask for it."""

    method: Literal["GET", "POST"]
    path: str
    access: Access
    handler: Callable[[Visit], Response]


PAGES: Final = (
    PageRoute("GET", "/healthz", Access.UNSEEN, signing.health),
    PageRoute("GET", "/sign-in", Access.EVERYBODY, signing.show_form),
    PageRoute("POST", "/sign-in", Access.EVERYBODY, signing.sign_in),
    PageRoute("POST", "/sign-out", Access.AT_THE_DESK, signing.sign_out),
    PageRoute("GET", "/", Access.AT_THE_DESK, signing.start),
    PageRoute("GET", "/label", Access.AT_THE_DESK, labelling.label),
    PageRoute("GET", "/adjudicate", Access.ADJUDICATOR, labelling.adjudicate),
    PageRoute("GET", "/leases/{lease_id}", Access.AT_THE_DESK, labelling.lease),
    PageRoute("POST", "/leases/{lease_id}/answer", Access.AT_THE_DESK, labelling.answer),
    PageRoute("POST", "/leases/{lease_id}/skip", Access.AT_THE_DESK, labelling.skip),
    PageRoute("POST", "/leases/{lease_id}/release", Access.AT_THE_DESK, labelling.release),
    PageRoute("POST", "/leases/{lease_id}/heartbeat", Access.AT_THE_DESK, labelling.heartbeat),
    PageRoute("POST", "/leases/{lease_id}/undo", Access.AT_THE_DESK, labelling.undo),
    PageRoute("POST", "/leases/{lease_id}/reveal", Access.AT_THE_DESK, labelling.reveal),
    PageRoute("GET", "/mine", Access.AT_THE_DESK, labelling.mine),
    PageRoute("GET", "/overview", Access.ADMINISTRATOR, administration.overview),
    PageRoute("POST", "/overview/withdraw", Access.ADMINISTRATOR, administration.withdraw),
    PageRoute(
        "POST", "/overview/tokens/{token_id}/revoke", Access.ADMINISTRATOR, administration.revoke
    ),
)
