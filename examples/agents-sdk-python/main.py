from agents import Agent, OpenAIProvider, RunConfig, Runner, function_tool

provider = OpenAIProvider(base_url="http://127.0.0.1:8084/v1", api_key="unused-on-loopback")
config = RunConfig(model_provider=provider, tracing_disabled=True)


@function_tool
def stock(article: str) -> str:
    """How many of an article are left."""
    print("the tool was called")
    return "7 left"


agent = Agent(name="shop", instructions="Answer customers.", model="auto", tools=[stock])
print(Runner.run_sync(agent, "How many red mugs are left?", run_config=config).final_output)
