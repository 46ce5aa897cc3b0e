from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="auto", base_url="http://127.0.0.1:8084/v1", api_key="unused-on-loopback", include_response_headers=True)
prompt = ChatPromptTemplate.from_messages([("system", "You are short."), ("user", "Translate into French: {text}")])

print((prompt | model | StrOutputParser()).invoke({"text": "Where is the station?"}))
answer = model.invoke("Write a bash script that renames all .txt files to .md")
print("label:", answer.response_metadata["headers"]["x-llm-router-label"])
