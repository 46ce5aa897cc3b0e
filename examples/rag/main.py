from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8084/v1", api_key="unused-on-loopback")
notes = ["The ferry to Iona leaves at 9:15 and at 14:40.", "The museum is closed on Mondays.", "Dogs travel free on the ferry."]


def vectors(texts):
    return [row.embedding for row in client.embeddings.create(model="embed", input=texts).data]


question = "When does the ferry to Iona leave?"
[wanted], known = vectors([question]), vectors(notes)
by_likeness = sorted(zip(notes, known), key=lambda pair: -sum(a * b for a, b in zip(pair[1], wanted)))
found = "\n".join(note for note, _ in by_likeness[:2])

prompt = f"Answer from these notes alone.\n\n{found}\n\nQuestion: {question}"
answer = client.chat.completions.with_raw_response.create(model="auto", messages=[{"role": "user", "content": prompt}])
print(answer.headers["x-llm-router-label"], "→", answer.headers["x-llm-router-model"])
print(answer.parse().choices[0].message.content)
