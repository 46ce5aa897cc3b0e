"""LlamaIndex' OpenAILike."""

from checks import BASE, KEY, MODEL, TEXT, check, said
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(model=MODEL, api_base=f"{BASE}/v1", api_key=KEY, is_chat_model=True, is_function_calling_model=True, context_window=8000, max_retries=0)


def lookup(text: str) -> str:
    """Looks a text up."""
    return f"found {text}"


def tools():
    made = FunctionTool.from_defaults(fn=lookup)
    answer = llm.chat_with_tools([made], user_msg=TEXT)
    assert llm.get_tool_calls_from_response(answer)[0].tool_name == "lookup"


async def asynchronous():
    said((await llm.achat([ChatMessage(role="user", content=TEXT)])).message.content)


check("chat", lambda: said(llm.chat([ChatMessage(role="user", content=TEXT)]).message.content))
check("stream", lambda: said(list(llm.stream_chat([ChatMessage(role="user", content=TEXT)]))[-1].message.content))
check("complete", lambda: said(llm.complete(TEXT).text))
check("asynchronous", asynchronous)
check("tools", tools)
