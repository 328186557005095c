"""Shadow mode: production's requests before a candidate, recorded or mirrored as they pass."""

from pydantic import Field

from eval_pipeline.settings.section import PositiveShare, Section


class ShadowSettings(Section):
    """Shadow mode. See shadow-mode.md."""

    maximum_items: int | None = Field(
        None,
        ge=1,
        description="Recorded requests of a week that a candidate is asked; none: the whole draw, "
        "sample and reserve.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address the mirror listens on.")
    port: int = Field(8099, ge=1, le=65535, description="And the port.")
    token_variable: str | None = Field(
        None,
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="The environment variable that holds the bearer token which requests to the "
        "mirror must carry; none: no token is asked for, and the mirror listens on loopback only.",
    )
    share: PositiveShare = Field(
        0.1, description="Of the conversations that pass, how many the candidate is asked too."
    )
    maximum_in_flight: int = Field(
        8, ge=1, le=256, description="Mirrored requests that the candidate answers at once."
    )
    maximum_waiting: int = Field(
        64,
        ge=1,
        le=4096,
        description="Mirrored requests that wait for the candidate or for masking, each; what "
        "comes beyond them is dropped and counted.",
    )
    maximum_body_bytes: int = Field(
        2 * 2**20, ge=1024, le=64 * 2**20, description="A longer request is refused with 413."
    )
    forward_timeout_seconds: float = Field(
        120,
        gt=0,
        description="How long the baseline's provider may be silent before the customer gets a "
        "504; a stream may last longer.",
    )
    timeout_seconds: float = Field(
        60, gt=0, description="How long the candidate may take for a mirrored request."
    )
    maximum_usd: float | None = Field(
        None,
        gt=0,
        description="What a candidate's mirrored answers may cost over all starts of the mirror, "
        "by its prices; then nothing more is mirrored. None: no limit.",
    )
    flush_seconds: float = Field(
        5,
        gt=0,
        le=300,
        description="How often pairs are written; a kill loses at most those of this time and "
        "what was still under way.",
    )
    route_header: str = Field(
        "x-route",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="The request header that names the route; without it the route is `live`.",
    )
    conversation_header: str = Field(
        "x-conversation-id",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="The request header that names the conversation, as the logs name it; "
        "without it what a conversation begins with stands for it.",
    )
    user_header: str = Field(
        "x-user-id",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="The request header that names the user, as the logs name them; without it "
        "the body's `user`. Erasing a person finds what came with their id or conversation.",
    )
