"""A provider's addresses and the headers of every request, checked before anything is asked."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

import httpx

from eval_pipeline.adapters.network.destinations import checked_url
from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.settings import NetworkSettings, ProviderSettings

MODEL = "{model}"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})


class HiddenHeaders(dict[str, str]):
    """Headers whose representation shows their names only, since values may be keys."""

    def __repr__(self) -> str:
        """The names."""
        return f"HiddenHeaders({sorted(self)})"


def base_address(name: str, settings: ProviderSettings, *, network: NetworkSettings) -> httpx.URL:
    """The base URL; raises `SettingsError` by the setting's name, also for where it may not go."""
    try:
        url = httpx.URL(settings.base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host or MODEL in url.netloc.decode("ascii"):
        raise SettingsError(
            f"`providers.{name}.base_url` is not a usable address. Nothing was asked. "
            "Write it like https://api.example.com/v1."
        )
    return checked_url(
        f"providers.{name}.base_url",
        settings.base_url,
        network=network,
        carries_secret=settings.key_variable is not None or bool(settings.header_variables),
    )


def address_of(settings: ProviderSettings, path: str, *, model: str) -> httpx.URL:
    """The base URL with the model's name in its place, the path, and the configured query."""
    url = httpx.URL(settings.base_url.replace(MODEL, quote(model, safe="")))
    own_path, mark, query = url.raw_path.partition(b"?")
    # `path` is encoded already; set as `path=` it would be taken for plain text.
    url = url.copy_with(raw_path=own_path.rstrip(b"/") + path.encode("ascii") + mark + query)
    return url.copy_merge_params(settings.query) if settings.query else url


def headers_of(
    name: str,
    settings: ProviderSettings,
    *,
    defaults: Mapping[str, str],
    key_header: str,
    key_prefix: str,
    secret: Callable[[str], str],
) -> HiddenHeaders:
    """All headers by lower-case names; the key's goes above the configured ones.

    Raises `MissingEnvironmentError`, or `SettingsError` where a value fits no header.
    """
    headers = HiddenHeaders({"content-type": "application/json", **defaults})
    for header, value in settings.headers.items():
        _refuse_unsendable(f"providers.{name}.headers", header, value)
        headers[header.lower()] = value
    for header, variable in settings.header_variables.items():
        _refuse_unsendable(f"providers.{name}.header_variables", header, "")
        headers[header.lower()] = _secret(name, variable, secret, what=f"the header {header}")
    if settings.key_variable is not None:
        key = _secret(name, settings.key_variable, secret, what="the API key")
        if settings.key_header is None:
            headers[key_header] = f"{key_prefix}{key}"
        else:
            headers[settings.key_header.lower()] = key
    return headers


def _refuse_unsendable(setting: str, header: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(header) or header.lower() in _FRAMING:
        raise SettingsError(
            f"`{setting}` names {header!r}, which is no header that can be set. Nothing was asked. "
            "Use letters, digits and hyphens, and leave the framing of requests alone."
        )
    if not (value.isascii() and value.isprintable()):
        raise SettingsError(
            f"`{setting}.{header}` holds characters that cannot stand in an HTTP header, such as a "
            "line break. Nothing was asked. Write the value on one line, in ASCII."
        )


def _secret(name: str, variable: str, secret: Callable[[str], str], *, what: str) -> str:
    try:
        value = secret(variable).strip()
    except KeyError:
        value = ""
    if not value:
        raise MissingEnvironmentError(variable, f"{what} of provider '{name}'")
    if not (value.isascii() and value.isprintable()):
        raise SettingsError(
            f"The environment variable {variable} holds characters that cannot stand in an HTTP "
            f"header. Nothing was asked. Set it to the bare value of {what} of provider '{name}'."
        )
    return value
