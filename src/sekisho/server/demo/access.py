"""Act 3: both labs' official clients call a real model through the gate, three APIs, streamed and not."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from sekisho.server.demo.defender import MAX_OUTPUT_TOKENS, PROMPT, Seen, anthropic_client, calling, openai_client
from sekisho.server.demo.stage import LABS, Stage
from sekisho.server.demo.story import require

GPT, CLAUDE = LABS["openai"][1], LABS["anthropic"][1]


def play(stage: Stage) -> Mapping[str, Any]:
    """Make six calls as MUFG's hunter, and look for the labs' credentials in all that came back."""
    seen = Seen()
    with calling(stage, stage.principals["mufg-hunter"], asset=stage.assets["mufg-web"], seen=seen) as http:
        answers = {name: call(stage, http) for name, call in _CALLS.items()}
    require(all(answers.values()), f"no answer from: {', '.join(name for name in answers if not answers[name])}")
    stage.receipts.extend(headers for headers in seen.headers if "sekisho-promise" in headers)
    require(len(stage.receipts) == len(answers), "an answer came without its receipt headers")
    leaked = [party for party, credential in stage.credentials.items() if seen.contains(credential)]
    require(not leaked, "a lab's credential reached the client")
    return {
        "model_behind_the_gate": "SmolLM2-135M-Instruct on this machine, in the place of both labs",
        "characters_in_each_answer": {name: len(text) for name, text in answers.items()},
        "receipts": len(stage.receipts),
        "lab_credential_seen_by_client": False,
    }


def _chat(stage: Stage, http: httpx2.Client) -> str:
    made = openai_client(stage, http).chat.completions.create(
        model=GPT, messages=[{"role": "user", "content": PROMPT}], max_tokens=MAX_OUTPUT_TOKENS
    )
    return made.choices[0].message.content or ""


def _chat_streamed(stage: Stage, http: httpx2.Client) -> str:
    stream = openai_client(stage, http).chat.completions.create(
        model=GPT, messages=[{"role": "user", "content": PROMPT}], max_tokens=MAX_OUTPUT_TOKENS, stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def _responses(stage: Stage, http: httpx2.Client) -> str:
    made = openai_client(stage, http).responses.create(model=GPT, input=PROMPT, max_output_tokens=MAX_OUTPUT_TOKENS)
    return made.output_text


def _responses_streamed(stage: Stage, http: httpx2.Client) -> str:
    stream = openai_client(stage, http).responses.create(
        model=GPT, input=PROMPT, max_output_tokens=MAX_OUTPUT_TOKENS, stream=True
    )
    return "".join(event.delta for event in stream if event.type == "response.output_text.delta")


def _messages(stage: Stage, http: httpx2.Client) -> str:
    made = anthropic_client(stage, http).messages.create(
        model=CLAUDE, messages=[{"role": "user", "content": PROMPT}], max_tokens=MAX_OUTPUT_TOKENS
    )
    return "".join(block.text for block in made.content if block.type == "text")


def _messages_streamed(stage: Stage, http: httpx2.Client) -> str:
    with anthropic_client(stage, http).messages.stream(
        model=CLAUDE, messages=[{"role": "user", "content": PROMPT}], max_tokens=MAX_OUTPUT_TOKENS
    ) as stream:
        return "".join(stream.text_stream)


_CALLS: Mapping[str, Callable[[Stage, httpx2.Client], str]] = {
    "openai chat": _chat,
    "openai chat, streamed": _chat_streamed,
    "openai responses": _responses,
    "openai responses, streamed": _responses_streamed,
    "anthropic messages": _messages,
    "anthropic messages, streamed": _messages_streamed,
}
