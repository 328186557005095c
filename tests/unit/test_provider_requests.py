"""What each API is sent: address, headers, body, and the schema of a structured answer."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.adapters.providers.conversations import OPENING, SYSTEM_ROLES, turns
from eval_pipeline.adapters.providers.schemas import (
    fits_strict_mode,
    for_anthropic,
    for_gemini,
    strict,
)
from eval_pipeline.demo.chat_completions import read_chat_request
from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.judging.parsing import PREFERENCE_SCHEMA, REFUTATION_SCHEMA, verdict_schema
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings

SPEC = ModelSpec("cloud", "large", (("temperature", 0.2), ("max_tokens", 50)))
CALL = ModelCall(
    "2026-11-16",
    "assistant",
    "item-1",
    SPEC,
    (
        Message("system", "Be brief."),
        Message("user", "Hello."),
        Message("user", "Is it open?"),
        Message("assistant", "Yes."),
        Message("user", "Until when?"),
    ),
)
PREFERENCE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "rationale": {"type": "string"},
        "preference": {"type": "string", "enum": ["a", "b", "tie"]},
    },
    "required": ["rationale", "preference"],
}
RUBRIC = Rubric("answer", "pointwise", ("It is right.",))
SECRETS = {"KEY": "sk-1", "TOKEN": "Bearer t-2", "BROKEN": "sk-1\r\nx-admin: yes"}


def provider(api: str = "openai_chat", **settings: Any) -> ChatProvider:
    chosen = {"base_url": "https://api.example.com/v1", "api": api, "key_variable": "KEY"}
    return ChatProvider(
        "cloud", ProviderSettings.model_validate(chosen | settings), secret=SECRETS.__getitem__
    )


def sent(api: str, call: ModelCall = CALL, **settings: Any) -> dict[str, Any]:
    spoken = provider(api, **settings)
    body: dict[str, Any] = json.loads(spoken.body(call))
    assert body == spoken.request(call)
    return body


def with_parameters(**parameters: Any) -> ModelCall:
    return replace(CALL, spec=replace(SPEC, parameters=tuple(parameters.items())))


def said(*messages: tuple[str, str]) -> ModelCall:
    return replace(CALL, messages=tuple(Message(role, text) for role, text in messages))


JUDGED = replace(CALL, output_schema=PREFERENCE_SCHEMA)


def test_responses_are_sent_instructions_and_input_and_store_nothing() -> None:
    assert sent("openai_responses") == {
        "store": False,
        "temperature": 0.2,
        "max_output_tokens": 50,
        "model": "large",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Hello."},
            {"role": "user", "content": "Is it open?"},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": "Until when?"},
        ],
    }


def test_anthropic_is_sent_the_system_apart_and_turns_that_alternate() -> None:
    assert sent("anthropic") == {
        "temperature": 0.2,
        "max_tokens": 50,
        "model": "large",
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Hello.\n\nIs it open?"},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": "Until when?"},
        ],
    }


def test_gemini_is_sent_contents_of_user_and_model_and_a_generation_config() -> None:
    assert sent("gemini") == {
        "contents": [
            {"role": "user", "parts": [{"text": "Hello.\n\nIs it open?"}]},
            {"role": "model", "parts": [{"text": "Yes."}]},
            {"role": "user", "parts": [{"text": "Until when?"}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"temperature": 0.2, "maxOutputTokens": 50},
    }


def test_anthropic_gets_a_limit_of_tokens_where_the_parameters_name_none() -> None:
    assert sent("anthropic", with_parameters(temperature=0))["max_tokens"] == 4096
    # 4096 to say and 2000 to think
    thinking = with_parameters(**{"thinking.budget_tokens": 2000})
    assert sent("anthropic", thinking)["max_tokens"] == 6096


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        (
            "openai_chat",
            {"stop": "END", "top_p": 0.9, "reasoning_effort": "low", "max_completion_tokens": 9},
        ),
        (
            "openai_responses",
            {"stop": "END", "top_p": 0.9, "reasoning": {"effort": "low"}, "max_output_tokens": 9},
        ),
        (
            "anthropic",
            {"stop_sequences": ["END"], "top_p": 0.9, "reasoning_effort": "low", "max_tokens": 9},
        ),
    ],
)
def test_common_parameters_go_by_the_names_of_the_api(api: str, expected: dict[str, Any]) -> None:
    call = with_parameters(stop="END", top_p=0.9, reasoning_effort="low", max_completion_tokens=9)
    body = sent(api, call)
    assert {name: body[name] for name in expected} == expected


def test_gemini_takes_common_parameters_into_its_generation_config() -> None:
    call = with_parameters(stop="END", top_p=0.9, top_k=5, max_output_tokens=9, seed=7)
    assert sent("gemini", call)["generationConfig"] == {
        "stopSequences": ["END"],
        "topP": 0.9,
        "topK": 5,
        "maxOutputTokens": 9,
        "seed": 7,
    }


def test_a_dotted_parameter_goes_inside_and_a_stream_is_never_asked_for() -> None:
    parameters = {"thinking.type": "enabled", "thinking.budget_tokens": 2000, "stream": True}
    body = sent("anthropic", with_parameters(**parameters))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert "stream" not in body


@pytest.mark.parametrize("api", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_no_parameter_replaces_what_is_asked(api: str) -> None:
    asked = {"model", "messages", "input", "instructions", "system", "contents"}
    plain, theirs = sent(api), sent(api, with_parameters(**dict.fromkeys(asked, "x")))
    for name in asked & plain.keys():
        assert theirs[name] == plain[name]


@pytest.mark.parametrize("api", ["anthropic", "gemini"])
def test_a_conversation_that_the_assistant_opens_is_preceded_by_a_turn_that_says_so(
    api: str,
) -> None:
    call = said(("assistant", "Welcome."), ("user", " \n"), ("user", "Hi."))
    body = sent(api, call)
    turns = body["messages"] if api == "anthropic" else body["contents"]
    assert [turn["role"] for turn in turns] == [
        "user",
        "assistant" if api == "anthropic" else "model",
        "user",
    ]
    assert "opens the conversation" in json.dumps(turns[0])
    assert "system" not in body
    assert "systemInstruction" not in body


@pytest.mark.parametrize("api", ["openai_responses", "anthropic", "gemini"])
def test_a_system_message_alone_is_asked_as_the_question(api: str) -> None:
    body = sent(api, said(("system", "Say yes."), ("developer", "Now.")))
    asked = body.get("input") or body.get("messages") or body.get("contents")
    assert "Say yes." in json.dumps(asked)
    assert not {"instructions", "system", "systemInstruction"} & body.keys()


def test_system_messages_from_anywhere_are_one_text() -> None:
    body = sent("anthropic", said(("system", "One."), ("user", "Hi."), ("developer", "Two.")))
    assert body["system"] == "One.\n\nTwo."


messages = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
        st.text("ab \n", max_size=4),
    ),
    max_size=8,
)


@given(conversation=messages)
def test_turns_alternate_from_the_user_on_and_lose_no_word(conversation: list[Message]) -> None:
    found = turns(conversation)
    assert [turn.by_assistant for turn in found] == [n % 2 == 1 for n in range(len(found))]
    rest = [m for m in conversation if m.role not in SYSTEM_ROLES and m.content.strip()]
    if rest:
        texts = [turn.text for turn in found if turn.text != OPENING]
        assert "\n\n".join(texts) == "\n\n".join(m.content for m in rest)
    for api in ("openai_chat", "openai_responses", "anthropic", "gemini"):
        assert sent(api, replace(CALL, messages=tuple(conversation)))


# Structured output


def test_chat_completions_are_asked_for_a_strict_schema() -> None:
    assert sent("openai_chat", JUDGED)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": PREFERENCE},
    }


def test_responses_are_asked_for_a_strict_schema_beside_other_settings_of_the_text() -> None:
    call = replace(with_parameters(verbosity="low"), output_schema=PREFERENCE_SCHEMA)
    assert sent("openai_responses", call)["text"] == {
        "verbosity": "low",
        "format": {"type": "json_schema", "name": "answer", "strict": True, "schema": PREFERENCE},
    }


def test_anthropic_is_asked_for_a_schema_by_its_output_config() -> None:
    call = replace(with_parameters(effort="low"), output_schema=PREFERENCE_SCHEMA)
    assert sent("anthropic", call)["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": PREFERENCE},
    }


def test_gemini_is_asked_for_a_schema_with_the_order_of_its_properties() -> None:
    config = sent("gemini", JUDGED)["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == {
        **PREFERENCE,
        "propertyOrdering": ["rationale", "preference"],
    }


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("openai_chat", {"response_format": {"type": "json_object"}}),
        ("openai_responses", {"text": {"format": {"type": "json_object"}}}),
        ("anthropic", {}),
    ],
)
def test_any_json_object_is_asked_for_where_the_api_can(api: str, expected: object) -> None:
    asked = sent(api, JUDGED, structured_output="json_object")
    plain = sent(api)
    assert {name: value for name, value in asked.items() if name not in plain} == expected


def test_gemini_is_asked_for_any_json_by_its_media_type() -> None:
    config = sent("gemini", JUDGED, structured_output="json_object")["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert "responseJsonSchema" not in config


@pytest.mark.parametrize("api", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_by_the_prompt_alone_the_request_is_that_of_free_text(api: str) -> None:
    assert sent(api, JUDGED, structured_output="prompt_only") == sent(api)


def test_properties_stand_in_the_order_of_required_and_not_of_the_alphabet() -> None:
    form = json.dumps(
        {
            "additionalProperties": False,
            "properties": {"answer": {"type": "string"}, "reasons": {"type": "string"}},
            "required": ["reasons", "answer"],
            "type": "object",
        }
    )
    body = sent("openai_chat", replace(CALL, output_schema=form))
    assert list(body["response_format"]["json_schema"]["schema"]["properties"]) == [
        "reasons",
        "answer",
    ]


OPEN = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}}
NESTED = {
    "type": "object",
    "title": "Form",
    "additionalProperties": False,
    "required": ["items"],
    "properties": {
        "items": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/Part"}, "title": "I"}
    },
    "$defs": {
        "Part": {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind"],
            "properties": {"kind": {"const": "a", "minLength": 1}},
        }
    },
}


def test_a_schema_that_strict_mode_would_refuse_is_sent_whole_and_not_strict() -> None:
    form = sent("openai_chat", replace(CALL, output_schema=json.dumps(OPEN)))
    assert form["response_format"]["json_schema"] == {
        "name": "answer",
        "strict": False,
        "schema": OPEN,
    }


@pytest.mark.parametrize(
    "broken",
    [
        OPEN,
        {"type": "object", "oneOf": []},
        {**NESTED, "$defs": {"Part": OPEN}},
        {**NESTED, "properties": {"items": {"anyOf": [OPEN, {"type": "null"}]}}},
    ],
)
def test_strict_mode_wants_every_object_closed_and_every_property_required(broken: Any) -> None:
    assert fits_strict_mode(NESTED)
    assert not fits_strict_mode(broken)


def test_each_api_gets_a_schema_without_the_keywords_it_refuses() -> None:
    part = {**NESTED["$defs"]["Part"], "properties": {"kind": {"const": "a"}}}  # type: ignore[index]
    closed = {
        "type": "object",
        "additionalProperties": False,
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/Part"}}},
        "$defs": {"Part": part},
    }
    assert strict(NESTED) == closed
    assert for_anthropic(NESTED) == closed
    assert for_anthropic(OPEN)["additionalProperties"] is False
    assert for_gemini(NESTED)["properties"]["items"] == {
        "type": "array",
        "maxItems": 3,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind"],
            "properties": {"kind": {"enum": ["a"]}},
            "propertyOrdering": ["kind"],
        },
    }


def test_a_schema_that_refers_to_itself_ends() -> None:
    endless = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "A"}}}}
    assert for_gemini(endless)["type"] == "array"


@pytest.mark.parametrize("schema", [verdict_schema(RUBRIC), PREFERENCE_SCHEMA, REFUTATION_SCHEMA])
@pytest.mark.parametrize("structured_output", ["json_schema", "json_object", "prompt_only"])
def test_every_form_that_judges_ask_for_is_strict_and_known_to_the_demos_provider(
    schema: str, structured_output: str
) -> None:
    call = replace(CALL, output_schema=schema)
    spoken = provider("openai_chat", structured_output=structured_output)
    assert read_chat_request(spoken.body(call)) is not None
    assert fits_strict_mode(json.loads(schema))


schema_values = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["object", "string", "#/$defs/a", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "items", "anyOf", "const", "$ref", "$defs", "a"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)
schema_keys = st.sampled_from(["type", "properties", "required", "$defs", "$ref", "anyOf"])


@settings(max_examples=60)
@given(schema=st.dictionaries(schema_keys, schema_values, max_size=4))
def test_any_schema_is_adapted_and_adapting_it_again_changes_nothing(
    schema: dict[str, Any],
) -> None:
    for adapted in (strict, for_anthropic):
        assert adapted(adapted(schema)) == adapted(schema)
    for api in ("openai_chat", "openai_responses", "anthropic", "gemini"):
        assert sent(api, replace(CALL, output_schema=json.dumps(schema)))


# Addresses and headers


@pytest.mark.parametrize(
    ("api", "model", "settings", "expected"),
    [
        ("openai_responses", "large", {}, "https://api.example.com/v1/responses"),
        ("anthropic", "large", {}, "https://api.example.com/v1/messages"),
        ("gemini", "large", {}, "https://api.example.com/v1/models/large:generateContent"),
        (
            "gemini",
            "tunedModels/ours 1",
            {},
            "https://api.example.com/v1/tunedModels/ours%201:generateContent",
        ),
        (
            "openai_chat",
            "gpt-4o/eu",
            {
                "base_url": "https://ours.openai.azure.example/openai/deployments/{model}",
                "query": {"api-version": "2024-10-21"},
            },
            (
                "https://ours.openai.azure.example/openai/deployments/gpt-4o%2Feu"
                "/chat/completions?api-version=2024-10-21"
            ),
        ),
        (
            "openai_chat",
            "large",
            {"base_url": "https://a.example/x?a=1", "query": {"b": "2 3"}},
            "https://a.example/x/chat/completions?a=1&b=2+3",
        ),
    ],
)
def test_the_address_is_the_one_the_api_documents(
    api: str, model: str, settings: dict[str, Any], expected: str
) -> None:
    call = replace(CALL, spec=replace(SPEC, model=model))
    assert str(provider(api, **settings).url_of(call)) == expected


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("openai_chat", {"authorization": "Bearer sk-1"}),
        ("openai_responses", {"authorization": "Bearer sk-1"}),
        ("anthropic", {"x-api-key": "sk-1", "anthropic-version": "2023-06-01"}),
        ("gemini", {"x-goog-api-key": "sk-1"}),
    ],
)
def test_the_key_goes_where_the_api_wants_it(api: str, expected: dict[str, str]) -> None:
    assert dict(provider(api).headers) == {"content-type": "application/json"} | expected


def test_azure_takes_the_bare_key_in_a_header_of_its_own() -> None:
    headers = provider(key_header="Api-Key").headers
    assert headers["api-key"] == "sk-1"
    assert "authorization" not in headers


def test_configured_headers_replace_the_apis_own_and_secrets_come_from_the_environment() -> None:
    spoken = provider(
        "anthropic",
        key_variable=None,
        headers={"Anthropic-Version": "2024-01-01"},
        header_variables={"Authorization": "TOKEN"},
    )
    assert dict(spoken.headers) == {
        "content-type": "application/json",
        "anthropic-version": "2024-01-01",
        "authorization": "Bearer t-2",
    }


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"headers": {"x-team": "a\r\nx-admin: yes"}}, r"providers\.cloud\.headers\.x-team"),
        ({"headers": {"x-team": "gr\u00fcn"}}, r"providers\.cloud\.headers\.x-team"),
        ({"headers": {"x team": "a"}}, r"providers\.cloud\.headers.*'x team'"),
        ({"headers": {"x\r\ny": "a"}}, r"providers\.cloud\.headers.*'x\\r\\ny'"),
        ({"headers": {"Content-Length": "1"}}, "Content-Length"),
        ({"header_variables": {"x team": "TOKEN"}}, r"providers\.cloud\.header_variables"),
        ({"header_variables": {"x-team": "BROKEN"}}, "BROKEN"),
        ({"key_variable": "BROKEN"}, "BROKEN"),
    ],
)
def test_what_would_break_out_of_a_header_is_refused_and_not_shown(
    settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        provider(**settings)
    assert "x-admin" not in str(refused.value)
    assert "sk-1" not in str(refused.value)


def test_an_unset_header_variable_is_named() -> None:
    with pytest.raises(MissingEnvironmentError, match=r"UNSET.*x-team.*'cloud'"):
        provider(header_variables={"x-team": "UNSET"})


@pytest.mark.parametrize("api", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_no_representation_shows_a_key(api: str) -> None:
    spoken = provider(api, header_variables={"x-proxy": "TOKEN"})
    shown = repr(spoken) + repr(spoken.headers) + str(spoken.headers) + f"{vars(spoken)}"
    assert "sk-1" not in shown
    assert "t-2" not in shown


def test_anthropic_has_no_embeddings_and_says_so() -> None:
    with pytest.raises(SettingsError, match="no embeddings"):
        provider("anthropic").embeddings_url("large")
