"""One system's sums as DeepEval measures them: `python deepeval_sums.py steady`."""

import json
import sys
import urllib.request

from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig, ErrorConfig
from deepeval.metrics import ExactMatchMetric, GEval
from deepeval.models import DeepEvalBaseLLM
from deepeval.test_case import LLMTestCase, SingleTurnParams

URL = "http://127.0.0.1:8786/v1/chat/completions"
SUMS = [
    ("7 plus 5", "12", ["small", "plain"]),
    ("7 plus 8", "15", ["small"]),
    ("40 plus 45", "85", ["large"]),
    ("41 plus 45", "86", ["large"]),
    ("2 plus 2", "4", ["small"]),
]


def ask(text):
    asked = {"model": sys.argv[1], "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(
        URL, json.dumps(asked).encode(), {"content-type": "application/json"}
    )
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]


class Judge(DeepEvalBaseLLM):
    def load_model(self):
        return self

    def get_model_name(self):
        return "loopback-judge"

    def generate(self, prompt, schema=None, **_):
        if "41 plus 45" in prompt:
            raise RuntimeError("the judge is down")
        said = {"score": 8, "reason": "short", "steps": ["compare"]}
        if schema is None:
            return json.dumps(said)
        return schema(
            **{name: value for name, value in said.items() if name in schema.model_fields}
        )

    async def a_generate(self, prompt, schema=None, **_):
        return self.generate(prompt, schema)


cases = [
    LLMTestCase(
        name=f"sum-{place}",
        input=f"Add these numbers and answer with the sum alone: {sum_}",
        actual_output=ask(sum_),
        expected_output=right,
        metadata={"subsets": subsets, "cluster_id": f"c{place // 2}"},
        tags=subsets,
        completion_time=0.25,
        token_cost=0.001,
    )
    for place, (sum_, right, subsets) in enumerate(SUMS)
]
cases.append(LLMTestCase(name="sum-5", input="teapot", expected_output="3", tags=["small"]))
brevity = GEval(
    name="Brevity",
    criteria="Is it short?",
    evaluation_params=[SingleTurnParams.ACTUAL_OUTPUT, SingleTurnParams.INPUT],
    model=Judge(),
)
evaluate(
    cases,
    [ExactMatchMetric(), brevity],
    async_config=AsyncConfig(run_async=False),
    error_config=ErrorConfig(ignore_errors=True),
    display_config=DisplayConfig(show_indicator=False, print_results=False),
    cache_config=CacheConfig(write_cache=False),
)
