/** Tells a system prompt that says what to do with the user's message from one that says who speaks, and how. */

/** A system prompt longer than this is an agent's handbook or a heap of documents. */
const MOST_CHARS = 4_000;
/** An order is shorter; without one in so many words a longer prompt is background. */
const INSTRUCTION_CHARS = 1_200;

/** Orders that say what is to be done with a text; manners ("answer briefly", "use Markdown") are none. */
const VERBS =
  /^(?:please\s+|given (?:an?|the|some)\b[^,\n]{1,80},\s*|your (?:task|job|goal|role) is to\s+|you (?:will|should|must|shall)\s+|you\s+|then\s+)?(?:translate|summari[sz]e|condense|shorten|classify|categori[sz]e|label|tag|mark|sort|rank|rate|score|grade|judge|evaluate|assess|decide|determine|detect|identify|check|verify|extract|find|list|pull|collect|parse|convert|transform|turn|map|normali[sz]e|rewrite|rephrase|paraphrase|reword|simplify|correct|fix|proofread|edit|improve|polish|redact|anonymi[sz]e|mask|generate|create|write|compose|draft|produce|make|give|suggest|propose|brainstorm|come up with|name|title|describe|explain|analy[sz]e|compare|match|route|assign|pick|choose|select|split|segment|merge|complete|fill|count|calculate|compute|solve|transcribe|caption|outline|expand|refactor|review|document|predict|estimate)\b/i;
/** The same in some languages whose pipelines are met often. */
const VERBS_ELSEWHERE =
  /^(?:bitte\s+)?(?:übersetze|fasse|klassifiziere|kategorisiere|ordne|extrahiere|korrigiere|schreibe|erstelle|formuliere|bestimme|entscheide|bewerte|traduis|traduisez|résume[z]?|classe[z]?|extrais|extrayez|corrige[z]?|réécris|réécrivez|génère|générez|rédige[z]?|traduce|resume|clasifica|extrae|reescribe|genera|redacta|escribe)(?![\p{L}])/iu;
/** Of the assistant's own answers: manners. */
const MANNERS =
  /^(?:\w+\s+){0,2}?(?:write|give|make|keep|produce|provide|generate|create|format|explain|improve)\s+(?:[\w,-]+\s+){0,4}?(?:answers?(?! (?:the|an?|all|each|questions?)\b)|responses?|repl(?:y|ies)|yourself|reasoning|sources|tone|style|markdown|(?:clean|good|readable) code)\b/i;
const ASKS = /^(?:is|are|does|do|which|what|who|how many|has|have|was)\b[^.?!\n]{3,200}\?/i;
/** What the order is about: the message that the user will send. */
const INPUT =
  /^given (?:an?|the|some)\b|\b(?:the|this|that|each|every|following|user'?s|users'|customer'?s|given|provided|below|an?|incoming|his|her|their)\s+(?:[\w'-]+\s+){0,3}?(?:text|texts|message|messages|input|inputs|question|questions|query|article|document|documents|passage|paragraph|sentence|sentences|transcript|conversation|dialogue|notes|review|reviews|comment|comments|e-?mail|mail|ticket|tickets|request|requests|post|tweet|headline|description|descriptions|code|function|snippet|diff|log|logs|report|invoice|receipt|contract|resume|cv|data|json|record|records|product|item|image|photo|caption|keywords|story|poem|complaint|feedback|statement|claim|names|word|words|phrase|topic|voice message|reviews|line)\b|\bwhat(?:ever)? the (?:user|customer|client|caller) (?:says|sends|writes|gives|provides|types|pastes)\b|\b\b(?:that )?the (?:user|customer|client) (?:sends|gives|writes|provides|pastes|enters|uploads)\b|\b(?:folgenden?|dieser?|den|der|die) (?:text|nachricht|anfrage|e-?mail|ticket|artikel|satz)\b|\b(?:le|ce|du|la|cette|el|este|la|esta) (?:texte?|texto|message|mensaje|article|artículo|phrase|frase|avis|reseña)\b/i;
/** What the answer must look like for a program to read it. */
const CONTRACT =
  /\bgib nur\b|\bantworte nur\b|\bréponds? (?:uniquement|seulement)\b|\bresponde (?:solo|únicamente)\b|\b(?:(?:output|return|reply|respond|answer|print|say)s?\b[^.\n]{0,40}\b(?:only(?! in\b)|just|json|xml|csv|yaml|one word|a single word|with the|yes or no|array|nothing else|nothing but|exactly one|number|code|true or false|the (?:team|category|label|word|title|name|translation|corrected|result|sql|summary))|(?:only|just|nothing but)\s+(?:output|return|the|with|a|json)|no (?:other text|explanation|preamble|comments?|markdown)|as (?:a )?(?:json|xml|csv|yaml|bullet|list|table|an array)|json (?:object|array|schema|only)|(?:one|single) word\b|one of:|(?:exactly|at most|no more than|in) (?:\w+) (?:words?|sentences?|bullet|lines?|characters?)|yes or no)/i;
/** Who does the work, named after it: "a sentiment classifier". */
const WORKER =
  /\byou are (?:an?|the) (?:[\w-]+\s+){0,4}?(?:classifier|translator|summari[sz]er|extractor|proofreader|corrector|tagger|parser|converter|detector|moderator|router|rewriter|annotator|labell?er|scorer|grader|formatter|normali[sz]er)\b/i;
/** Documents in the system prompt. */
const CONTEXT =
  /(?:^|\n)[ \t]{0,8}#{0,6}[ \t]{0,4}(?:context|documents?|sources?|knowledge(?: base)?|excerpts?|passages?|retrieved [\w ]{0,30}|search results|reference[\w ]{0,20})[ \t]{0,4}:|(?:^|\n)#{1,6}[ \t]{1,4}(?:documents?|sources?|excerpts?|passages?|search results|retrieved [\w ]{0,30}?)[ \t]{0,4}\n|\bthe (?:documents?|sources|excerpts|passages|articles?|pages) (?:below|that follow)\b|<(?:context|documents?|sources?|knowledge|excerpts?)\b|\b(?:following|provided|given|below) (?:pieces of )?(?:retrieved )?(?:context|documents?|sources|excerpts|passages|information|knowledge|articles?)\b/i;

export interface SystemReading {
  readonly kind: 'instruction' | 'context' | 'persona';
  /** By what it was told. */
  readonly evidence: string;
}

export interface Around {
  /** Somebody answered already: a chat rather than a pipeline. */
  readonly answered: boolean;
  /** A pipeline's settings: temperature 0, JSON, a few tokens of answer. */
  readonly mechanical: number;
}

/** Sentences and lines, at most 24: what an order begins with counts. */
function sentences(text: string): string[] {
  return text
    .slice(0, 1_500)
    .split(/(?<=[.!?:])\s+|\n+/)
    .map((sentence) => sentence.replace(/^[-*#\d.)\s=]+/, ''))
    .filter((sentence) => sentence.length > 2)
    .slice(0, 24);
}

/** Who speaks: how persona prompts begin, in the languages that are met often. */
const PERSONA =
  /^(?:hi|hello|hey)?[\s,!]{0,4}(?:you(?:['’]re| are)(?! (?:given|provided|handed|shown|sent|to)\b)|you (?:answer|help|assist|take|live|talk|chat|speak|support|serve|work|represent|handle|greet|guide|play|respond|reply|act|tutor|teach|coach|advise|love|always|never|can|may|have|know)\b|act as\b|pretend\b|imagine\b|role\s{0,3}:|name\s{0,3}:|persona\b|character\b|(?:the |your )?(?:assistant|ai|bot)(?:['’]s name)? is\b|your name is\b|my name is\b|i am\b|i want you to act\b|let['’]s\b|welcome\b|this is (?:a|the) (?:chat|conversation)\b|du bist\b|sie sind\b|ihr seid\b|tu es\b|vous êtes\b|eres\b|usted es\b|você (?:é|atende|ajuda|responde)(?![\p{L}])|sei (?:un|il|la|l['’])|lei è\b|je bent\b|u bent\b|jesteś\b|pomagasz\b|ты(?![\p{L}])|вы(?![\p{L}])|ти(?![\p{L}])|ви(?![\p{L}])|sen(?![\p{L}])|siz(?![\p{L}])|bir .{0,80}(?:sın|sin|sun|sün)(?![\p{L}])|kamu\b|anda\b|bạn(?![\p{L}])|mày\b|คุณ|你是|您是|你现在是|あなたは|君は|당신은|너는|넌|أنت|אתה|את |आप|तुम|আপনি|είσαι|είστε)/iu;
/** Sentences that only say how to speak, or what day it is. */
const STYLE =
  /^(?:answer|respond|reply|use|be|keep|never|always|do not|don['’]t|avoid|speak|talk|format|formatting|today|current|the current|knowledge|date|time|you (?:may|can|should|must|always|never)|stay|remember|note|tone|style|language|friendly|short|brief|concise|polite|please be|help|think|feel free|if you|when (?:you|asked)|markdown|no)\b/i;

/** Null for a system prompt that is no instruction: too long, or none at all. */
export function readSystem(text: string, around: Around): SystemReading | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const head = trimmed.slice(0, 1_500);
  const persona = PERSONA.test(head);
  if (CONTEXT.test(head)) return { kind: 'context', evidence: 'documents in the system prompt' };
  if (trimmed.length > MOST_CHARS) return null;
  const parts = sentences(trimmed);
  const isOrder = (part: string) =>
    !/^you are\b/i.test(part) &&
    ((VERBS.test(part) && !MANNERS.test(part.slice(0, 80))) || VERBS_ELSEWHERE.test(part) || ASKS.test(part));
  const orders = parts.some(isOrder);
  const seen = [
    orders && 'an order',
    INPUT.test(head) && 'names the input',
    CONTRACT.test(head) && 'says what the answer looks like',
    WORKER.test(head) && 'a worker for one task',
    around.mechanical > 0 && 'set up as a pipeline',
  ].filter((found) => found !== false);
  const told = (instructs: boolean): SystemReading =>
    instructs
      ? { kind: 'instruction', evidence: seen.join(', ') || 'neither a persona nor manners' }
      : { kind: 'persona', evidence: 'says who speaks and how' };
  if (persona) {
    const contract = CONTRACT.test(head);
    const worker = WORKER.test(head) && (contract || around.mechanical > 0);
    const named = parts.some((part) => isOrder(part) && INPUT.test(part));
    return told(
      around.answered ? named && contract : worker || named || (orders && contract && around.mechanical > 1),
    );
  }
  if (
    parts.every(
      (part) =>
        (STYLE.test(part) && !INPUT.test(part)) ||
        (part.split(/\s+/, 4).length < 3 && /^[\x20-\x7e]+$/.test(part)),
    )
  )
    return told(around.mechanical > 1 || (orders && seen.length > 2));
  // A chat that has begun has an order in so many words, or a short one.
  if (around.answered) return told(trimmed.length <= 300 || seen.length > 2);
  return told(trimmed.length <= INSTRUCTION_CHARS || orders);
}
