"""anthropic-sdk-python: messages, streams, tools, images, counting, errors."""

from anthropic import Anthropic, NotFoundError
from checks import BASE, KEY, MODEL, PICTURE, TEXT, check, said

client = Anthropic(base_url=BASE, api_key=KEY, max_retries=0)
messages = [{"role": "user", "content": TEXT}]
tools = [{"name": "lookup", "description": "Looks up", "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}]


def plain():
    answer = client.messages.create(model=MODEL, max_tokens=200, system="Be short.", messages=messages)
    assert answer.type == "message" and answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0
    said(answer.content[0].text)


def stream():
    with client.messages.stream(model=MODEL, max_tokens=200, messages=messages) as events:
        text = "".join(events.text_stream)
        final = events.get_final_message()
    said(text)
    assert final.content[0].text == text and final.usage.output_tokens > 0


def raw_stream():
    types = [event.type for event in client.messages.create(model=MODEL, max_tokens=200, messages=messages, stream=True)]
    assert types[0] == "message_start" and types[-1] == "message_stop" and "content_block_delta" in types, types


def tool_loop():
    first = client.messages.create(model=MODEL, max_tokens=200, messages=messages, tools=tools)
    assert first.stop_reason == "tool_use"
    call = next(block for block in first.content if block.type == "tool_use")
    assert call.input["text"]
    again = [*messages, {"role": "assistant", "content": first.content}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "42"}]}]
    said(client.messages.create(model=MODEL, max_tokens=200, messages=again, tools=tools).content[0].text)


def tool_stream():
    with client.messages.stream(model=MODEL, max_tokens=200, messages=messages, tools=tools) as events:
        call = next(block for block in events.get_final_message().content if block.type == "tool_use")
    assert call.input["text"]


def image():
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE.split(",")[1]}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    said(client.messages.create(model=MODEL, max_tokens=200, messages=[{"role": "user", "content": content}]).content[0].text)


def count_tokens():
    assert client.messages.count_tokens(model=MODEL, messages=messages).input_tokens > 3


def errors():
    try:
        client.messages.create(model="no-such-model", max_tokens=10, messages=messages)
    except NotFoundError as error:
        assert error.body["type"] == "error" and error.body["error"]["type"] == "not_found_error", error.body
    else:
        raise AssertionError("NotFoundError was not raised")


for run in [plain, stream, raw_stream, tool_loop, tool_stream, image, count_tokens, errors]:
    check(run.__name__, run)
