"""What an object store refuses, in sentences that say what to do; credentials are in none."""

import os
import re
from typing import Final

from eval_pipeline.errors import LakeError

NO_BUCKET: Final = ("NoSuchBucket", "ContainerNotFound", "specified bucket does not exist")

_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_RETRIES: Final = re.compile(r"after (\d+) retries, max_retries: (\d+)")
_NETWORK: Final = "HTTP error: "
_SECRETS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_KEY",
)
_EXPIRED: Final = frozenset(
    {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException"}
)
_BUSY: Final = frozenset({408, 409, 425, 429})
_FIRST_SERVER_FAULT: Final = 500
_REFUSALS: Final = frozenset({400, 401, 403})
_LONGEST: Final = 200


def is_passing(error: Exception) -> bool:
    """Whether the network failed, not the store, and has not been tried to the end already."""
    tries = _RETRIES.search(str(error))
    return _NETWORK in str(error) and (tries is None or tries[1] != tries[2])


def refusal(error: Exception, place: str, *, act: str) -> LakeError:
    """The sentence for the object or folder at `place`; `act` is what was to be done with it."""
    said = str(error)
    cause, remedy = _told(said)
    tries = _RETRIES.search(said)
    patience = f", also after {tries[1]} more tries" if tries else ""
    return LakeError(
        f"The lake's {place} cannot be {act}: {cause}{patience}. Every object is as it was or as "
        f"it was to be, none half written. {remedy}, then run the same command again."
    )


def _told(said: str) -> tuple[str, str]:
    """Cause and remedy. A reply can repeat an access key's id: of it only the code is passed on."""
    found, code = _STATUS.search(said), _CODE.search(said)
    if any(sign in said for sign in NO_BUCKET):
        return "there is no such bucket", (
            "Make the bucket, or mend `storage.lake` or the endpoint in the environment "
            "(AWS_ENDPOINT_URL and its like)"
        )
    if found is None:
        network = said.rpartition(_NETWORK)
        whole = f"no whole answer came ({_without_secrets(network[2])})"
        return whole if network[1] else _without_secrets(said), (
            "Check the network and the endpoint in the environment (AWS_ENDPOINT_URL, "
            "AWS_ALLOW_HTTP and their like)"
        )
    status = int(found[1])
    answer = f"the store answers {status}{f' {code[1]}' if code else ''}"
    if code is not None and code[1] in _EXPIRED:
        return answer, "The credentials have expired: renew them in the environment"
    if status in _REFUSALS:
        return answer, (
            "Check the credentials in the environment (AWS_ACCESS_KEY_ID and its like), that they "
            "have not expired, and their rights to this bucket"
        )
    if status in _BUSY or status >= _FIRST_SERVER_FAULT:
        return answer, "The store is overloaded or out of order: wait until it answers again"
    return answer, "Check `storage.lake`, and what the store's documentation says of this answer"


def _without_secrets(said: str) -> str:
    """The first line, without the values of the environment's credentials."""
    line = said.partition("\n")[0]
    for name in _SECRETS:
        value = os.environ.get(name)
        if value:
            line = line.replace(value, f"[{name}]")
    return line[:_LONGEST].rstrip(". ")
