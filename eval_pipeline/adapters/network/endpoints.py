"""Addresses of object stores that the environment names, checked before they are used."""

import os
from typing import Final

import httpcore

from eval_pipeline.adapters.network.destinations import RefusedAddressError, checked_url, resolved
from eval_pipeline.errors import RefusedDestinationError
from eval_pipeline.settings import NetworkSettings

VARIABLES: Final = (
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT", "GOOGLE_BASE_URL",
)  # fmt: skip
_PORTS: Final = {"http": 80, "https": 443}


def refuse_endpoints(network: NetworkSettings) -> None:
    """Raises `RefusedDestinationError` for an endpoint where no object store may be.

    The stores' client resolves the name again when it connects, so this keeps off mistakes and
    plain deceit, and not a name that resolves differently a moment later. A name that resolves to
    nothing is left to the client.
    """
    for variable in VARIABLES:
        text = os.environ.get(variable)
        if not text:
            continue
        url = checked_url(variable, text, network=network, carries_secret=False)
        try:
            resolved(url.host, url.port or _PORTS[url.scheme], network=network)
        except RefusedAddressError as error:
            raise RefusedDestinationError(variable, f"may not be connected to: {error}") from None
        except httpcore.ConnectError:
            continue
