from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(model="auto", api_base="http://127.0.0.1:8084/v1", api_key="unused-on-loopback", is_chat_model=True, context_window=128_000)

print(llm.complete("Extract the dates from: we met on 3 May and parted on 9 June"))
*_, last = llm.stream_chat([ChatMessage(role="user", content="Who wrote the Odyssey?")])
print(last.message.content)
