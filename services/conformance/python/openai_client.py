"""openai-python: chat, completions, responses, embeddings, models, errors, Azure's spelling."""

import base64
import json

from checks import BASE, KEY, MODEL, PICTURE, TEXT, check, said
from openai import AsyncOpenAI, AzureOpenAI, BadRequestError, NotFoundError, OpenAI
from pydantic import BaseModel

client = OpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=0)
messages = [{"role": "user", "content": TEXT}]
tool = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}}


class Person(BaseModel):
    name: str
    age: int


def chat():
    said(client.chat.completions.create(model=MODEL, messages=messages).choices[0].message.content)


def chat_stream():
    chunks = list(client.chat.completions.create(model=MODEL, messages=messages, stream=True))
    assert all(c.choices for c in chunks) and all(c.usage is None for c in chunks)
    said("".join(c.choices[0].delta.content or "" for c in chunks))


def chat_usage():
    chunks = list(client.chat.completions.create(model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage.total_tokens > 0


def chat_helper():
    with client.chat.completions.stream(model=MODEL, messages=messages) as stream:
        said(stream.until_done().get_final_completion().choices[0].message.content)


def chat_tools():
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool]).choices[0].message
    call = first.tool_calls[0]
    assert json.loads(call.function.arguments)["text"]
    again = [*messages, first, {"role": "tool", "tool_call_id": call.id, "content": "42"}]
    said(client.chat.completions.create(model=MODEL, messages=again, tools=[tool]).choices[0].message.content)


def chat_tools_stream():
    arguments = "".join(
        call.function.arguments or ""
        for chunk in client.chat.completions.create(model=MODEL, messages=messages, tools=[tool], stream=True)
        for call in chunk.choices[0].delta.tool_calls or []
    )
    assert json.loads(arguments)["text"]


def chat_parse():
    parsed = client.chat.completions.parse(model=MODEL, messages=messages, response_format=Person).choices[0].message.parsed
    assert isinstance(parsed, Person)


def chat_image():
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    said(client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}]).choices[0].message.content)


async def chat_async():
    answer = await AsyncOpenAI(base_url=f"{BASE}/v1", api_key=KEY).chat.completions.create(model=MODEL, messages=messages)
    said(answer.choices[0].message.content)


def completions():
    said(client.completions.create(model=MODEL, prompt=TEXT).choices[0].text)


def responses():
    answer = client.responses.create(model=MODEL, input=TEXT, instructions="Be short.")
    assert answer.status == "completed" and answer.usage.total_tokens > 0
    said(answer.output_text)


def responses_items():
    content = [{"type": "input_text", "text": TEXT}, {"type": "input_image", "image_url": PICTURE, "detail": "auto"}]
    said(client.responses.create(model=MODEL, input=[{"role": "user", "content": content}]).output_text)


def responses_stream():
    events = list(client.responses.create(model=MODEL, input=TEXT, stream=True))
    types = [event.type for event in events]
    assert types[0] == "response.created" and types[-1] == "response.completed", types
    assert [event.sequence_number for event in events] == sorted(event.sequence_number for event in events)
    said("".join(event.delta for event in events if event.type == "response.output_text.delta"))
    said(events[-1].response.output_text)


def responses_helper():
    with client.responses.stream(model=MODEL, input=TEXT) as stream:
        stream.until_done()
        said(stream.get_final_response().output_text)


def responses_tools():
    tools = [{"type": "function", "name": "lookup", "parameters": tool["function"]["parameters"], "strict": False}]
    first = client.responses.create(model=MODEL, input=TEXT, tools=tools)
    call = next(item for item in first.output if item.type == "function_call")
    assert json.loads(call.arguments)["text"]
    again = [{"role": "user", "content": TEXT}, *first.output, {"type": "function_call_output", "call_id": call.call_id, "output": "42"}]
    said(client.responses.create(model=MODEL, input=again, tools=tools).output_text)


def responses_parse():
    assert isinstance(client.responses.parse(model=MODEL, input=TEXT, text_format=Person).output_parsed, Person)


def embeddings():
    vector = client.embeddings.create(model="embed", input=["a", "b"], encoding_format="float").data[1].embedding
    assert len(vector) > 3
    # The client's own default asks for base64.
    same = client.embeddings.create(model="embed", input=["a", "b"]).data[1].embedding
    assert max(abs(a - b) for a, b in zip(vector, same)) < 1e-5


def moderations():
    assert client.moderations.create(model="moderate", input="hello").results[0].flagged is False


def audio():
    assert client.audio.speech.create(model="speak", voice="alloy", input="hi").read()
    assert client.audio.transcriptions.create(model="listen", file=("a.wav", b"RIFF" * 1000)).text


def images():
    assert base64.b64decode(client.images.generate(model="draw", prompt="a dot").data[0].b64_json)


def models():
    ids = [model.id for model in client.models.list()]
    assert MODEL in ids and len(set(ids)) == len(ids), ids
    for model in ids:
        assert client.models.retrieve(model).id == model


def errors():
    for call, kind in [
        (lambda: client.chat.completions.create(model="no-such-model", messages=messages), NotFoundError),
        (lambda: client.responses.create(model="no-such-model", input="x"), NotFoundError),
        (lambda: client.chat.completions.create(model=MODEL, messages=[]), BadRequestError),
    ]:
        try:
            call()
        except kind as error:
            assert error.code and error.message
        else:
            raise AssertionError(f"{kind.__name__} was not raised")


def azure():
    old = AzureOpenAI(azure_endpoint=BASE, api_key=KEY, api_version="2024-10-21")
    said(old.chat.completions.create(model=MODEL, messages=messages).choices[0].message.content)


for run in [chat, chat_stream, chat_usage, chat_helper, chat_tools, chat_tools_stream, chat_parse, chat_image, chat_async, completions,
            responses, responses_items, responses_stream, responses_helper, responses_tools, responses_parse, embeddings, moderations,
            audio, images, models, errors, azure]:
    check(run.__name__, run)
