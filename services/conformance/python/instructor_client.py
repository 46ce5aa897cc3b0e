"""instructor: its modes over the openai client."""

import instructor
from checks import BASE, KEY, MODEL, TEXT, check
from openai import OpenAI
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


messages = [{"role": "user", "content": TEXT}]
for mode in [instructor.Mode.TOOLS, instructor.Mode.TOOLS_STRICT, instructor.Mode.JSON_SCHEMA, instructor.Mode.RESPONSES_TOOLS]:

    def create(mode=mode):
        client = instructor.from_openai(OpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=0), mode=mode)
        made = client.chat.completions.create(model=MODEL, messages=messages, response_model=Person, max_retries=0)
        assert isinstance(made, Person)

    check(str(mode.name).lower(), create)


def partial():
    client = instructor.from_openai(OpenAI(base_url=f"{BASE}/v1", api_key=KEY), mode=instructor.Mode.TOOLS)
    made = list(client.chat.completions.create_partial(model=MODEL, messages=messages, response_model=Person))
    assert made[-1].age is not None


check("partial stream", partial)
