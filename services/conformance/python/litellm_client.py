"""litellm's SDK with the router as an OpenAI-compatible provider, and as Anthropic's API."""

import litellm
from checks import BASE, KEY, MODEL, TEXT, check, said

litellm.telemetry = False
where = {"api_base": f"{BASE}/v1", "api_key": KEY}
messages = [{"role": "user", "content": TEXT}]
tool = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}}}


def plain():
    said(litellm.completion(model=f"openai/{MODEL}", messages=messages, **where).choices[0].message.content)


def stream():
    chunks = litellm.completion(model=f"openai/{MODEL}", messages=messages, stream=True, **where)
    said("".join(chunk.choices[0].delta.content or "" for chunk in chunks))


def tools():
    answer = litellm.completion(model=f"openai/{MODEL}", messages=messages, tools=[tool], **where)
    assert answer.choices[0].message.tool_calls[0].function.name == "lookup"


def text():
    said(litellm.text_completion(model=f"text-completion-openai/{MODEL}", prompt=TEXT, **where).choices[0].text)


def responses():
    answer = litellm.responses(model=f"openai/{MODEL}", input=TEXT, **where)
    said("".join(part.text for item in answer.output if item.type == "message" for part in item.content))


def embedding():
    assert len(litellm.embedding(model="openai/embed", input=["a"], encoding_format="float", **where).data[0]["embedding"]) > 3


def anthropic():
    answer = litellm.completion(model=f"anthropic/{MODEL}", messages=messages, max_tokens=200, api_base=BASE, api_key=KEY)
    said(answer.choices[0].message.content)


async def asynchronous():
    said((await litellm.acompletion(model=f"openai/{MODEL}", messages=messages, **where)).choices[0].message.content)


for run in [plain, stream, tools, text, responses, embedding, anthropic, asynchronous]:
    check(run.__name__, run)
