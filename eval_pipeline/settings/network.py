"""What may be connected to: addresses of private networks, and keys over plain HTTP."""

from typing import Final

from pydantic import Field

from eval_pipeline.settings.section import Section


class NetworkSettings(Section):
    """Limits on every outgoing connection. See network.md."""

    private_addresses: bool = Field(
        True,  # noqa: FBT003 - the default of a field
        description="Whether private networks and this machine may be connected to, as for a model "
        "in your cluster. Link-local and cloud metadata addresses are refused in any case.",
    )
    plain_http_keys: bool = Field(
        False,  # noqa: FBT003 - the default of a field
        description="Whether a key may go to another machine by http://, readable on the way.",
    )


USUAL_NETWORK: Final = NetworkSettings()
"""What holds where nothing is configured, and for the environment's proxy in any case."""
