import OpenAI from 'openai';

const client = new OpenAI({ baseURL: 'http://127.0.0.1:8084/v1', apiKey: 'unused-on-loopback' });

const { data, response } = await client.chat.completions
  .create({
    model: 'auto',
    messages: [{ role: 'user', content: 'Classify as spam or not: "You won a prize!"' }],
  })
  .withResponse();
console.log(response.headers.get('x-llm-router-label'), '→', response.headers.get('x-llm-router-model'));
console.log(data.choices[0].message.content);

const answer = await client.responses.create({
  model: 'auto',
  input: 'Summarise the plot of Hamlet in two lines',
});
console.log(answer.output_text);
