"""openai-agents: its default model (Responses) and chat completions; tools, structured output, streams, a handoff."""

from agents import Agent, OpenAIProvider, RunConfig, Runner, function_tool, set_tracing_disabled
from checks import BASE, KEY, MODEL, TEXT, check, said
from pydantic import BaseModel

# Its traces would go to OpenAI.
set_tracing_disabled(True)


class Person(BaseModel):
    name: str
    age: int


@function_tool
def lookup(text: str) -> str:
    """Looks a text up."""
    return f"found {text}"


for name, responses in [("responses", True), ("chat", False)]:
    provider = OpenAIProvider(base_url=f"{BASE}/v1", api_key=KEY, use_responses=responses)
    config = RunConfig(model_provider=provider, tracing_disabled=True)

    def run(agent, config=config):
        return Runner.run_sync(agent, TEXT, run_config=config).final_output

    async def stream(config=config):
        result = Runner.run_streamed(Agent(name="a", model=MODEL), TEXT, run_config=config)
        kinds = [event.type async for event in result.stream_events()]
        assert "raw_response_event" in kinds
        said(result.final_output)

    def structured(run=run):
        assert isinstance(run(Agent(name="a", model=MODEL, output_type=Person)), Person)

    check(f"{name}: plain", lambda run=run: said(run(Agent(name="a", instructions="Be short.", model=MODEL))))
    check(f"{name}: tools", lambda run=run: said(run(Agent(name="a", model=MODEL, tools=[lookup]))))
    check(f"{name}: structured", structured)
    check(f"{name}: stream", stream)
