from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8084/v1", api_key="unused-on-loopback")

for prompt in ["Hi, how was your day?", "Write a Python function that reverses a linked list"]:
    answer = client.chat.completions.with_raw_response.create(model="auto", messages=[{"role": "user", "content": prompt}])
    print(answer.headers["x-llm-router-label"], "→", answer.headers["x-llm-router-model"])
    print("  ", answer.parse().choices[0].message.content)

stream = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Name three rivers"}], stream=True)
print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
