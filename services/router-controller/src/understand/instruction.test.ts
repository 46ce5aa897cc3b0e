/** Personas that do one job on what they are handed, and personas that talk. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSystem } from './instruction.ts';

const ALONE = { answered: false, mechanical: 0 };

describe('a persona with one job is an instruction', () => {
  for (const prompt of [
    'You are a routing desk for a plumbing firm. Read what the caller wrote and answer with exactly one of: leak, heating, drains, other.',
    'You are a namer of hiking trails. The user describes a path. You give four names, one a line.',
    "You're the caption desk. From the fields write a caption of about 20 words.",
    'You are a licence plate parser. Return JSON only.',
    'Act as a unit conversion function. Return the value only.',
    '# Role\nYou are the archive’s tagging service.\n# Task\nFor each photo description give five tags.',
    'Du bist Slogantexter für Bäckereien. Auf jede Beschreibung folgen drei Slogans.',
    'Tu es un trieur de courrier. Pour chaque message, réponds par un seul mot : FACTURE, PUB, PERSO.',
    'Eres un extractor de fechas. Devuelve solo JSON.',
    'Sei un correttore di bozze. Dal testo restituisci solo il risultato.',
    'Ты — фильтр объявлений. К каждому объявлению дай категорию: «Мебель», «Одежда», «Техника».',
    '你是菜谱解析器。从文本中抽取食材和用量，只输出JSON。',
    'あなたは広報担当です。イベントの概要を受け取り、見出し案を三つ出してください。',
    '당신은 작명가입니다. 강아지의 특징을 주면 이름 다섯 가지를 냅니다.',
    'أنت مصنّف رسائل. لكل رسالة أعطِ فئة واحدة فقط.',
  ])
    test(prompt.slice(0, 60), () => assert.equal(readSystem(prompt, ALONE)?.kind, 'instruction'));
});

describe('a persona that talks is none', () => {
  for (const prompt of [
    'You are Pip, the assistant of a bicycle shop. For every booking, ask for the number. Keep answers under 60 words.',
    '# Identity\nYou are the concierge of Hotel Larch.\n# Rules\n- Never promise refunds.\n- Answer in the language of the guest.',
    'Knowledge cutoff: 2025-01. You are Wren. Be honest and concise.',
    'Respond as JSON only if asked. Otherwise answer in Markdown.',
    '# Style\nWrite plainly. Ask at most one question back.\n# Memory\n- The user’s name is Ada. She works in Porto.',
    'Jesteś doradcą w sklepie z rowerami. Odpowiadaj krótko i uprzejmie.',
    'Du är Maja, chattassistent hos ett bibliotek. Svara kort.',
    'Du spielst einen gutmütigen Leuchtturmwärter. Bleib in der Rolle.',
    '扮演一位住在海边的老船长，说话慢。',
    'Responde en portugués.',
    'Antworte stets freundlich.',
  ])
    test(prompt.slice(0, 60), () => assert.equal(readSystem(prompt, ALONE)?.kind, 'persona'));
});

test('documents below an order are context, data of the day is none', () => {
  const documents = 'You are HelpDesk. Here are some articles from our wiki:\nwiki-1: The gate opens at six.';
  assert.equal(readSystem(documents, ALONE)?.kind, 'context');
  const day = 'You are a helpful assistant.\n<context>\n<date>2026-01-01</date>\n</context>';
  assert.equal(readSystem(day, ALONE)?.kind, 'persona');
});
