/** A prompt for each label of the policies that come with the router. Plain data, so that Node tests it. */

export interface Example {
  readonly label: string;
  readonly text: string;
}

const EXAMPLES: readonly Example[] = [
  { label: 'Brainstorming', text: 'Give me ten ideas for a rainy-day birthday party for six-year-olds.' },
  { label: 'Chatbot', text: 'Hi there! I had a long day, how was yours?' },
  {
    label: 'Classification',
    text: 'Is this review positive, negative or neutral? "The soup was cold, but the waiter could not have been kinder."',
  },
  {
    label: 'Closed QA',
    text: 'Read the note and answer: on which day does the pool close? "The pool is open daily except Tuesdays. From 3 November it closes for repairs and opens again on 1 December."',
  },
  {
    label: 'Code Generation',
    text: 'Write a Python function that merges two sorted lists without using sort().',
  },
  {
    label: 'Extraction',
    text: 'List every name and phone number in this text: "Call Ana Ruiz on 555-0142 before noon; if she is out, Tom Okafor (555-0177) has the keys."',
  },
  { label: 'Open QA', text: 'Why does the sea look blue although water is clear?' },
  {
    label: 'Other',
    text: 'Set a timer for the pasta: nine minutes, and turn the kitchen lamp down a little.',
  },
  {
    label: 'Rewrite',
    text: 'Make this friendlier: "You forgot the report again. Send it today or explain yourself."',
  },
  {
    label: 'Summarization',
    text: 'Summarize in one sentence: "The council met for four hours. It put off the vote on the bridge, agreed to plant two hundred trees along the river, and asked the bus company to run later on Fridays after many complaints from night workers."',
  },
  {
    label: 'Text Generation',
    text: 'Write a short story about a lighthouse keeper who finds a letter in a bottle.',
  },
  { label: 'Unknown', text: 'asdf jkl; qwer 12 zz' },
  { label: 'Creativity', text: 'Write a poem in which the moon is jealous of a street lamp.' },
  {
    label: 'Reasoning',
    text: 'A bat and a ball cost 1.10 together and the bat costs 1.00 more than the ball. What does the ball cost? Show each step.',
  },
  {
    label: 'Contextual-Knowledge',
    text: 'How do I move my saved games from a Switch Lite to a new Switch without losing them?',
  },
  {
    label: 'Few-Shot',
    text: 'cat -> Katze\ndog -> Hund\nhouse -> Haus\ntree -> Baum\nbird ->',
  },
  {
    label: 'Domain-Knowledge',
    text: 'Explain how ACE inhibitors lower blood pressure and why they can cause a dry cough.',
  },
  { label: 'No-Label-Reason', text: 'hello' },
  {
    label: 'Constraint',
    text: 'Describe a bicycle in exactly three sentences, without the letter z, each sentence shorter than ten words.',
  },
];

/** Those for the labels that a policy has, in its order. */
export const examplesFor = (labels: readonly string[]): Example[] =>
  labels.flatMap((label) => EXAMPLES.filter((example) => example.label === label));
