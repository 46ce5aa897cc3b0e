"""langchain-openai and langchain's own calls, over chat completions and over Responses."""

from checks import BASE, KEY, MODEL, PICTURE, TEXT, check, said
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


@tool
def lookup(text: str) -> str:
    """Looks a text up."""
    return f"found {text}"


def text_of(message):
    content = message.content
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content if isinstance(part, dict))


for name, more in [("chat", {}), ("responses", {"use_responses_api": True})]:
    model = ChatOpenAI(base_url=f"{BASE}/v1", api_key=KEY, model=MODEL, max_retries=0, **more)

    def plain(model=model):
        answer = model.invoke(TEXT)
        said(text_of(answer))
        assert answer.usage_metadata["total_tokens"] > 0

    def stream(model=model):
        said("".join(text_of(chunk) for chunk in model.stream(TEXT)))

    async def asynchronous(model=model):
        said(text_of(await model.ainvoke(TEXT)))

    def tools(model=model):
        bound = model.bind_tools([lookup])
        first = bound.invoke(TEXT)
        call = first.tool_calls[0]
        said(text_of(bound.invoke([HumanMessage(TEXT), first, ToolMessage("42", tool_call_id=call["id"])])))

    def structured(model=model):
        assert isinstance(model.with_structured_output(Person).invoke(TEXT), Person)

    def image(model=model):
        content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
        said(text_of(model.invoke([HumanMessage(content)])))

    for run in [plain, stream, asynchronous, tools, structured, image]:
        check(f"{name}: {run.__name__}", run)


def embeddings():
    made = OpenAIEmbeddings(base_url=f"{BASE}/v1", api_key=KEY, model="embed", check_embedding_ctx_length=False)
    assert len(made.embed_query("a")) > 3


check("embeddings", embeddings)
