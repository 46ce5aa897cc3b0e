from openai import OpenAI

DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

client = OpenAI(base_url="http://127.0.0.1:8084/v1", api_key="unused-on-loopback")
for content in ["What is this?", [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": DOT}}]]:
    answer = client.chat.completions.with_raw_response.create(model="auto", messages=[{"role": "user", "content": content}])
    print(answer.headers["x-llm-router-model"], answer.headers["x-llm-router-reason"])
print(answer.parse().choices[0].message.content)
