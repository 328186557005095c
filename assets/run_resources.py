"""What the pod of a run needs on Kubernetes, in one place; elsewhere nobody reads these tags.

A run is one process, so the resources are the job's and not each step's. What is not named here
gets what `runK8sConfig` of the chart's values says.
"""

from collections.abc import Mapping
from typing import Any, Final

K8S_CONFIG: Final = "dagster-k8s/config"


def _pod(*, cpu: str, memory: str, limit: str) -> Mapping[str, Any]:
    return {
        K8S_CONFIG: {
            "container_config": {
                "resources": {
                    "requests": {"cpu": cpu, "memory": memory},
                    "limits": {"memory": limit},
                }
            }
        }
    }


READS_LOGS: Final = _pod(cpu="2", memory="4Gi", limit="8Gi")
"""The only jobs whose cost grows with traffic; DuckDB takes what processors there are."""

WAITS_FOR_MODELS: Final = _pod(cpu="250m", memory="1Gi", limit="3Gi")
"""Asking a provider is waiting; the answers of a candidate fit into little memory."""
