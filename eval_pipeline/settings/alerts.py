"""What is told to whom: the kinds of alerts, the channels that take them, and how often."""

import ipaddress
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.providers import EnvironmentVariable
from eval_pipeline.settings.section import Name, Section

AlertKind = Literal[
    "gate_block",
    "gate_inconclusive",
    "gate_pass",
    "drift_alarm",
    "provider_change",
    "monitor_alert",
    "outcome_no_longer_tracks",
    "gate_audit_failed",
    "review_deadline",
    "review_backlog",
    "run_failed",
    "check_failed",
    "spending_limit",
    "golden_published",
]
"""What an alert can be about; the runbook has a heading for each, with hyphens."""

Severity = Literal["info", "warn", "page"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warn", "page")
"""From the least to the most severe."""

SHORTHAND_CHANNEL: Final = "slack"
"""The channel that `alerts.webhook_variable` makes."""

_Address = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$",
        max_length=254,
    ),
]
_Url = Annotated[str, Field(pattern=r"^https?://[^\s?#@]+$", max_length=500)]


class _Channel(Section):
    """What all channels share."""

    least_severity: Severity = Field(
        "warn", description="What is less severe is not sent here: info, warn or page."
    )
    kinds: tuple[AlertKind, ...] = Field((), description="Only these kinds of alerts; none: all.")
    digest: bool = Field(
        True,  # noqa: FBT003 - the default of a field
        description="Whether the weekly digest goes here too.",
    )
    timeout_seconds: float = Field(
        15, gt=0, le=30, description="How long one delivery may take, with retries and waits."
    )
    attempts: int = Field(3, ge=1, le=6, description="Attempts at one delivery, at most.")

    def takes(self, kind: AlertKind, severity: Severity) -> bool:
        """Whether an alert of this kind and severity is sent here."""
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.least_severity) and (
            not self.kinds or kind in self.kinds
        )


class SlackChannel(_Channel):
    """A webhook of Slack, or of what speaks its format: Mattermost, Rocket.Chat, Discord."""

    kind: Literal["slack"] = Field(description="Slack's format.")
    webhook_variable: EnvironmentVariable = Field(
        description="The environment variable that holds the webhook's URL, which is a secret."
    )


class WebhookChannel(_Channel):
    """A webhook of your own: JSON by a published schema, signed if you like."""

    kind: Literal["webhook"] = Field(description="JSON by our schema.")
    url_variable: EnvironmentVariable = Field(
        description="The environment variable that holds the URL, which is a secret."
    )
    secret_variable: EnvironmentVariable | None = Field(
        None,
        description="The environment variable that holds the secret that requests are signed "
        "with (HMAC-SHA256); none: unsigned.",
    )


class EmailChannel(_Channel):
    """E-mail by SMTP, as text and HTML."""

    kind: Literal["email"] = Field(description="SMTP.")
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$", description="The mail server.")
    port: int = Field(587, ge=1, le=65535, description="And its port; 465 for `security: tls`.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls: encrypted before anything is said, or not sent; tls: from the "
        "first byte; none: as it is, for a relay on this machine.",
    )
    username: str | None = Field(None, min_length=1, description="Who signs in; none: nobody.")
    password_variable: EnvironmentVariable | None = Field(
        None, description="The environment variable that holds the password."
    )
    sender: _Address = Field(alias="from", description="The sender's address.")
    to: tuple[_Address, ...] = Field(min_length=1, description="The receivers' addresses.")
    ca_file: str | None = Field(
        None, description="Certificates to trust besides, for a server with a CA of your own."
    )

    @model_validator(mode="after")
    def _password_goes_encrypted(self) -> Self:
        if (self.username is None) != (self.password_variable is None):
            raise ValueError("`username` and `password_variable` need each other")
        if self.username is not None and self.security == "none" and not _is_here(self.host):
            raise ValueError(
                "`security: none` would send the password readable over the network: take "
                "starttls or tls"
            )
        return self


Channel = Annotated[SlackChannel | WebhookChannel | EmailChannel, Field(discriminator="kind")]


class AlertsSettings(Section):
    """What is told, to which channels, and how often; see alerts.md."""

    webhook_variable: EnvironmentVariable | None = Field(
        None,
        description="Shorthand for one Slack channel: the environment variable that holds its "
        "webhook's URL.",
    )
    channels: dict[Name, Channel] = Field(
        default_factory=dict, description="Who is told, by a name of your own."
    )
    dagster_url: _Url | None = Field(
        None, description="Where people reach the Dagster UI, for links; none: paths of pages."
    )
    runbook: str = Field(
        "docs/runbook.md",
        pattern=r"^[^\s#]+$",
        max_length=500,
        description="The page that says what to do; each alert adds its heading's anchor.",
    )
    repeat_days: int = Field(
        7, ge=1, le=90, description="What lasts is told again after so many days."
    )
    resolved: bool = Field(
        True,  # noqa: FBT003 - the default of a field
        description="Whether it is told that what lasted is over.",
    )
    history_weeks: int = Field(
        2,
        ge=1,
        description="Decisions, versions and provider changes of earlier weeks are history and "
        "are told to nobody, so that a new channel does not begin with the past.",
    )
    review_backlog: int = Field(
        80, ge=1, description="From so many review tasks waiting on, it is told."
    )

    @model_validator(mode="after")
    def _shorthand_has_its_name(self) -> Self:
        if self.webhook_variable is not None and SHORTHAND_CHANNEL in self.channels:
            raise ValueError(
                f"`webhook_variable` makes a channel '{SHORTHAND_CHANNEL}', and `channels` has "
                "one: keep one of them"
            )
        return self

    @property
    def all_channels(self) -> dict[str, Channel]:
        """Every channel by its name, the shorthand's too."""
        if self.webhook_variable is None:
            return dict(self.channels)
        short = SlackChannel(kind="slack", webhook_variable=self.webhook_variable)
        return {SHORTHAND_CHANNEL: short, **self.channels}


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
