from anthropic import Anthropic

client = Anthropic(base_url="http://127.0.0.1:8084", api_key="unused-on-loopback")

with client.messages.stream(
    model="auto",
    max_tokens=200,
    system="Be short.",
    messages=[{"role": "user", "content": "Rewrite this politely: give me the report now"}],
) as stream:
    print("".join(stream.text_stream))
    print("stopped by", stream.get_final_message().stop_reason)
