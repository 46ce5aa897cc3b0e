/** The virtual model that stands for the default policy. */
export const AUTO = 'auto';

/** In any case, and with the provider in front that some clients insist on: `Auto`, `openai/auto`, `llm-router:auto`. */
export const isAuto = (model: string): boolean => /^(?:[\w.-]{1,64}[/:])?auto$/i.test(model);
