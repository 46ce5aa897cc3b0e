"""pydantic-ai: `openai:` (Responses by default), chat completions, and Anthropic's API."""

from checks import BASE, KEY, MODEL, TEXT, check, said
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


class Person(BaseModel):
    name: str
    age: int


provider = OpenAIProvider(base_url=f"{BASE}/v1", api_key=KEY)
kinds = {
    "responses": OpenAIResponsesModel(MODEL, provider=provider),
    "chat": OpenAIChatModel(MODEL, provider=provider),
    "messages": AnthropicModel(MODEL, provider=AnthropicProvider(api_key=KEY, base_url=BASE)),
}

for name, model in kinds.items():

    def plain(model=model):
        said(Agent(model, instructions="Be short.").run_sync(TEXT).output)

    def structured(model=model):
        assert isinstance(Agent(model, output_type=Person).run_sync(TEXT).output, Person)

    def tools(model=model):
        agent = Agent(model)
        seen = []

        @agent.tool_plain
        def lookup(text: str) -> str:
            """Looks a text up."""
            seen.append(text)
            return "42"

        said(agent.run_sync(TEXT).output)
        assert seen

    async def stream(model=model):
        async with Agent(model).run_stream(TEXT) as result:
            said(await result.get_output())

    for run in [plain, structured, tools, stream]:
        check(f"{name}: {run.__name__}", run)
