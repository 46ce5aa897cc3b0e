"""The official Python client against the router, as the seed's users call it. Prints one JSON object of what it got."""

import json
import sys

from openai import NotFoundError, OpenAI

client = OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="unused", max_retries=0)
extra = {"nim-llm-router": {"policy": "task_router", "routing_strategy": "triton", "model": ""}}
messages = [{"role": "user", "content": "Write a Python function that reverses a linked list."}]
out = {}

plain = client.chat.completions.with_raw_response.create(model="", messages=messages, extra_body=extra)
out["plain"] = {"chosen": plain.headers["x-chosen-classifier"], "content": plain.parse().choices[0].message.content}

stream = client.chat.completions.create(model="", messages=messages, stream=True, extra_body=extra)
chunks = list(stream)
out["stream"] = {
    "content": "".join(c.choices[0].delta.content or "" for c in chunks),
    "empty_choices": sum(not c.choices for c in chunks),
    "finish": chunks[-1].choices[0].finish_reason,
}

stream = client.chat.completions.create(
    model="", messages=messages, stream=True, stream_options={"include_usage": True}, extra_body=extra)
out["usage"] = [c.usage.total_tokens for c in stream if c.usage]

tools = [{"type": "function", "function": {"name": "lookup", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}}}]
called = client.chat.completions.create(model="", messages=messages, tools=tools, extra_body=extra)
arguments = ""
for chunk in client.chat.completions.create(model="", messages=messages, tools=tools, stream=True, extra_body=extra):
    for call in chunk.choices[0].delta.tool_calls or []:
        arguments += call.function.arguments or ""
out["tools"] = {"name": called.choices[0].message.tool_calls[0].function.name, "arguments": json.loads(arguments)}

picture = [{"role": "user", "content": [
    {"type": "text", "text": "What is in this picture?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}]
out["image"] = client.chat.completions.create(model="task_router", messages=picture).choices[0].message.content

try:
    client.chat.completions.create(model="", messages=messages, extra_body={"nim-llm-router": {"policy": "nobody"}})
except NotFoundError as error:
    out["not_found"] = {"code": error.code, "message": error.message}

out["models"] = [model.id for model in client.models.list()]
print(json.dumps(out))
