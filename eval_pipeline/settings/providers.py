"""Model providers: how each is spoken to, how hard it may be pressed, and what may be spent."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import PositiveShare, Section

ProviderApi = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]
StructuredOutput = Literal["json_schema", "json_object", "prompt_only"]
Spender = Literal[
    "refresh", "drift", "candidate", "watch", "judge_checks", "triage", "aa", "shadow", "load"
]  # fmt: skip
EnvironmentVariable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]


class BatchSettings(Section):
    """A provider's batch API: cheaper and slower, for weekly work that nobody waits for."""

    spenders: tuple[Spender, ...] = Field(
        ("refresh", "drift"), description="Whose calls go by batch."
    )
    price_share: PositiveShare = Field(
        0.5, description="What a call costs by batch, of its usual price."
    )
    minimum_calls: int = Field(100, ge=1, description="Fewer calls than this are asked one by one.")
    maximum_calls: int = Field(10_000, ge=1, description="Calls in one batch, at most.")
    poll_seconds: float = Field(60, gt=0, description="How often a batch is asked how it stands.")
    maximum_wait_hours: float = Field(
        24,
        gt=0,
        description="Then the batch is cancelled; what it has not answered is failed until the "
        "next run asks again.",
    )

    @model_validator(mode="after")
    def _a_batch_can_be_filled(self) -> Self:
        if self.minimum_calls > self.maximum_calls:
            raise ValueError(
                f"`minimum_calls` is {self.minimum_calls} and `maximum_calls` only "
                f"{self.maximum_calls}, so no batch could ever be sent"
            )
        return self


class ProviderSettings(Section):
    """A model provider, reached over HTTP."""

    base_url: str = Field(
        pattern=r"^https?://",
        description="Where the API starts, as a rule ending in /v1; {model} in it stands for the "
        "model's name, as in Azure's deployments.",
    )
    api: ProviderApi = Field("openai_chat", description="How the provider is spoken to.")
    key_variable: EnvironmentVariable | None = Field(
        None,
        description="The environment variable that holds the API key; none if it takes no key.",
    )
    key_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="The header that carries the bare key, such as api-key for Azure; none: the "
        "API's own way.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description="Sent with every request; no secrets here."
    )
    header_variables: dict[str, EnvironmentVariable] = Field(
        default_factory=dict,
        description="Headers whose values are secrets, each with the variable that holds it.",
    )
    query: dict[str, str] = Field(
        default_factory=dict,
        description="Appended to every address, such as api-version for Azure; no secrets here.",
    )
    structured_output: StructuredOutput = Field(
        "json_schema",
        description="How an answer in JSON is asked for: by its schema, as any JSON object, or by "
        "the prompt alone. What comes back is parsed strictly in every case.",
    )
    concurrency: int = Field(16, ge=1, le=1024, description="Requests at once, at most.")
    first_concurrency: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Requests at once to begin with, doubled with every good round until a 429; "
        "none: a quarter of `concurrency`, and 8 at least.",
    )
    http2: bool = Field(
        default=False,
        description="Many requests over few connections, where the provider speaks HTTP/2.",
    )
    attempt_timeout_seconds: float = Field(60, gt=0, description="How long one attempt may take.")
    total_timeout_seconds: float = Field(
        600,
        gt=0,
        description="How long all attempts at one call may take, from the first, with waits.",
    )
    maximum_attempts: int = Field(
        6,
        ge=1,
        description="Attempts at one call before it counts as failed; those that met a rate limit "
        "do not count while the provider serves other calls.",
    )
    maximum_wait_seconds: float = Field(
        60, gt=0, description="The longest single wait, whatever the provider asks for."
    )
    largest_reply_bytes: int = Field(
        8 * 2**20, ge=1024, description="A longer reply is cut off and counts as failed."
    )
    batch: BatchSettings | None = Field(
        None,
        description="Calls of weekly work go by the provider's batch API; none: each is asked at "
        "once. See batches.md.",
    )

    @model_validator(mode="after")
    def _batches_have_one_address(self) -> Self:
        if self.batch is not None and "{model}" in self.base_url:
            raise ValueError(
                "`batch` needs a `base_url` without {model}: batches are made at one address for "
                "all models"
            )
        return self

    @model_validator(mode="after")
    def _headers_are_told_once(self) -> Self:
        twice = {name.lower() for name in self.headers} & {
            name.lower() for name in self.header_variables
        }
        if twice:
            raise ValueError(
                f"the header '{min(twice)}' stands under `headers` and `header_variables`"
            )
        return self


class SpendingLimit(Section):
    """What one scope, a week or a candidate, may cost over all its runs; none: no limit."""

    usd: float | None = Field(None, gt=0, description="In the currency of the prices.")
    calls: int | None = Field(None, ge=1, description="Attempts, failed ones included.")
    tokens: int | None = Field(None, ge=1, description="Input and output together.")
    minutes: float | None = Field(
        None, gt=0, description="Of one run: then nothing new is asked; what is paid is kept."
    )
