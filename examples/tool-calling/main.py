import json

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8084/v1", api_key="unused-on-loopback")
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tools = [{"type": "function", "function": {"name": "weather", "description": "Weather of a city", "parameters": schema}}]
messages = [{"role": "user", "content": "Do I need an umbrella in Bergen today?"}]

for turn in range(2):
    answer = client.chat.completions.with_raw_response.create(model="auto", messages=messages, tools=tools)
    message = answer.parse().choices[0].message
    print(f"turn {turn}:", answer.headers["x-llm-router-model"], "calls" if message.tool_calls else "answers")
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls or []:
        assert "city" in json.loads(call.function.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "Rain, 9 °C"})
print(message.content)
