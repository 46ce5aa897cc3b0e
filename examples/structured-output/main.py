from openai import OpenAI
from pydantic import BaseModel


class Invoice(BaseModel):
    number: str
    total: float
    lines: list[str]


client = OpenAI(base_url="http://127.0.0.1:8084/v1", api_key="unused-on-loopback")
text = "Invoice 2031-7: two chairs, one desk, 412.50 EUR in all"
answer = client.chat.completions.parse(model="auto", messages=[{"role": "user", "content": f"Extract the invoice: {text}"}], response_format=Invoice)
invoice = answer.choices[0].message.parsed
print(type(invoice).__name__, list(invoice.model_dump()))
